//! How long SEL takes: `cargo bench -p maestro-sel`. The bounds are those of the project: parse of a typical program under
//! 50 microseconds, `a + b` under 1, the loop under 500, a date by a compiled pattern under 2.

use divan::{Bencher, black_box};
use maestro_sel::{
    Access, Environment, FixedEnvironment, Host, HostError, Inputs, Limits, Program, Value,
};

fn main() {
    divan::main();
}

const TYPICAL: &str = "\
// next n working days
DateTime d = new DateTime(from);
String[] days = new String[n];
k = 0;
while (k < n) {
  d = d.plusDays(1);
  if (d.getDayOfWeek() > 5) continue;
  String text = d.toString('yyyyMMdd');
  holiday = false;
  for (i = 0; i < holidays.length; i += 1) {
    if (holidays[i].equals(text)) {
      holiday = true;
      break;
    }
  }
  if (!holiday) {
    days[k] = text;
    k += 1;
  }
}
return String.join(',', days);";

fn inputs() -> Vec<(String, Value)> {
    vec![
        ("a".to_owned(), Value::Long(40)),
        ("b".to_owned(), Value::Long(2)),
        ("from".to_owned(), Value::String("2024-12-20".to_owned())),
        ("n".to_owned(), Value::Long(10)),
        (
            "holidays".to_owned(),
            Value::StringArray(vec![
                Some("20241225".to_owned()),
                Some("20250101".to_owned()),
            ]),
        ),
    ]
}

fn eval(bencher: Bencher<'_, '_>, text: &str) {
    let program = Program::parse(text).expect("the programs of this file are valid");
    let (inputs, limits) = (inputs(), Limits::default());
    bencher.bench_local(|| {
        let mut host = Inputs::new(&inputs, FixedEnvironment::at(1_700_000_000_000));
        program
            .eval(black_box(&mut host), &limits)
            .expect("the programs of this file run")
    });
}

#[divan::bench]
fn parse_typical_program() -> Program {
    Program::parse(black_box(TYPICAL)).expect("valid")
}

#[divan::bench]
fn eval_typical_program(bencher: Bencher<'_, '_>) {
    eval(bencher, TYPICAL);
}

#[divan::bench]
fn add_two_params(bencher: Bencher<'_, '_>) {
    eval(bencher, "a + b");
}

#[divan::bench]
fn loop_of_ten_thousand(bencher: Bencher<'_, '_>) {
    eval(
        bencher,
        "s=0; for (i=0;i<10000;i+=1) { s += i*2; } return s;",
    );
}

#[divan::bench]
fn concatenate_in_a_loop_of_a_thousand(bencher: Bencher<'_, '_>) {
    eval(
        bencher,
        "s = ''; for (i = 0; i < 1000; i += 1) { s += i + ','; } return s.length();",
    );
}

/// A thousand dates by one compiled pattern; divide by a thousand.
#[divan::bench]
fn print_a_thousand_dates(bencher: Bencher<'_, '_>) {
    eval(
        bencher,
        "f = DateTimeFormat.forPattern(\"yyyy-MM-dd'T'HH:mm:ss\"); for (i = 0; i < 1000; i += 1) { f.print(i * 86400000); } return 1;",
    );
}

/// The same in a zone with summer time.
#[divan::bench]
fn print_a_thousand_dates_in_a_zone(bencher: Bencher<'_, '_>) {
    let text = "f = DateTimeFormat.forPattern('yyyyMMdd HH:mm Z').withZone(DateTimeZone.forID('America/New_York'));
        for (i = 0; i < 1000; i += 1) { f.print(i * 86400000); } return 1;";
    eval(bencher, text);
}

#[divan::bench]
fn replace_by_a_pattern(bencher: Bencher<'_, '_>) {
    eval(
        bencher,
        "'2024-02-29'.replaceAll('(\\\\d+)-(\\\\d+)-(\\\\d+)', '$3.$2.$1')",
    );
}

/// What the host of a test costs by itself, for comparison with `add_two_params`.
#[divan::bench]
fn ask_the_host_for_two_inputs(bencher: Bencher<'_, '_>) {
    let inputs = inputs();
    bencher.bench_local(|| -> Result<_, HostError> {
        let mut host = Inputs::new(&inputs, FixedEnvironment::at(0));
        let now = host.now_millis();
        Ok((
            host.input(black_box("a"), Access::Name)?,
            host.input(black_box("b"), Access::Name)?,
            now,
        ))
    });
}
