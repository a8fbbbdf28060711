//! Requests that start runs, and the values that instances share with them (spec 04 sections 4, 8.1; 05 section 3).
