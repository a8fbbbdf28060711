#!/usr/bin/env python3
"""Makes examples/data/orders.csv: invented orders of an invented shop, the same for each run (no network, no real data)."""
import csv, pathlib, random

ROWS = 40_000
rng = random.Random(20260101)
target = pathlib.Path(__file__).resolve().parent / "data" / "orders.csv"
target.parent.mkdir(exist_ok=True)
regions = ["north", "south", "east", "west"]
goods = [("lamp", 29.5), ("chair", 89.0), ("desk", 240.0), ("shelf", 119.9), ("mat", 15.25)]
with target.open("w", newline="") as out:
    writer = csv.writer(out)
    writer.writerow(["order_id", "day", "region", "item", "quantity", "price"])
    for i in range(1, ROWS + 1):
        item, price = rng.choice(goods)
        day = f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        # About one row in a thousand is bad, as in life.
        quantity = rng.choice(["", "-1", "n/a"]) if rng.random() < 0.001 else rng.randint(1, 9)
        writer.writerow([i, day, rng.choice(regions), item, quantity, f"{price * rng.uniform(0.8, 1.2):.2f}"])
print(f"{target}: {ROWS} rows")
