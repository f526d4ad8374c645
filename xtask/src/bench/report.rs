//! The table and the page around it.

use super::Part;
use super::stats::Quantiles;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;

/// One line of the table.
pub(super) struct Row {
    part: Part,
    what: String,
    value: String,
    unit: &'static str,
    latency: Option<Quantiles>,
    ratio: String,
    aim: String,
    met: Option<bool>,
}

impl Row {
    pub(super) fn new(part: Part, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            part,
            what: what.into(),
            value: number(value),
            unit,
            latency: None,
            ratio: String::new(),
            aim: String::new(),
            met: None,
        }
    }

    /// A line of latencies only.
    pub(super) fn latencies(part: Part, what: impl Into<String>, latency: Quantiles) -> Self {
        Self {
            value: String::new(),
            ..Self::new(part, what, 0.0, "").latency(latency)
        }
    }

    /// A measurement that could not be made.
    pub(super) fn failed(part: Part) -> Self {
        Self {
            value: "failed".to_owned(),
            ..Self::new(part, part.title(), 0.0, "")
        }
    }

    pub(super) fn latency(mut self, latency: Quantiles) -> Self {
        self.latency = Some(latency);
        self
    }

    /// Compares with something that was measured in the same run, or with a number that is known.
    pub(super) fn ratio(mut self, ratio: f64, to: &str) -> Self {
        self.ratio = format!("{ratio:.2} × {to}");
        self
    }

    pub(super) fn aim(mut self, aim: impl Into<String>, met: bool) -> Self {
        self.aim = aim.into();
        self.met = Some(met);
        self
    }
}

/// Enough digits to compare, none that are only noise.
fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        100.0..1000.0 => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[derive(Default)]
pub(super) struct Report {
    pub(super) machine: Vec<(&'static str, String)>,
    pub(super) rows: Vec<Row>,
    /// What explains single rows of this run.
    pub(super) notes: Vec<(Part, String)>,
}

impl Report {
    pub(super) fn note(&mut self, part: Part, note: impl Into<String>) {
        self.notes.push((part, note.into()));
    }

    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "", "Measured", "Value", "Unit", "p50 ms", "p99 ms", "Ratio", "Aim", "Met",
        ]);
        for column in [2, 4, 5] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            let latency =
                |of: fn(&Quantiles) -> f64| row.latency.as_ref().map(of).map(number).unwrap_or_default();
            let met = match row.met {
                None => "",
                Some(true) => "yes",
                Some(false) => "no",
            };
            table.add_row([
                row.part.letter(),
                row.what.clone(),
                row.value.clone(),
                row.unit.to_owned(),
                latency(|quantiles| quantiles.p50),
                latency(|quantiles| quantiles.p99),
                row.ratio.clone(),
                row.aim.clone(),
                met.to_owned(),
            ]);
        }
        table.to_string()
    }

    /// Notes in the order of the table, for people at a terminal.
    pub(super) fn notes(&self) -> String {
        let mut notes: Vec<&(Part, String)> = self.notes.iter().collect();
        notes.sort_by_key(|(part, _)| *part);
        notes.iter().fold(String::new(), |mut text, (part, note)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {} {note}", part.letter());
            text
        })
    }

    pub(super) fn machine(&self) -> String {
        self.machine
            .iter()
            .fold(String::new(), |mut text, (name, value)| {
                let _ = writeln!(text, "- {name}: {value}");
                text
            })
    }

    pub(super) fn markdown(&self) -> String {
        let mut parts: Vec<Part> = self.rows.iter().map(|row| row.part).collect();
        parts.dedup();
        let rows = parts.iter().fold(String::new(), |mut text, part| {
            let _ = writeln!(
                text,
                "**{} {}.** {}\n",
                part.letter(),
                part.title(),
                part.explanation()
            );
            text
        });
        format!(
            "\
# Benchmarks

Written by `cargo xtask bench`; everything was measured in one run on one machine. Server, load generator and database
share its processors, so the absolute numbers are those of a small machine under load from itself. Compare ratios.

{machine}
{table}

Latencies are those of the operation in the row. A value is the median of several short repetitions where the row does
not say otherwise. Missed aims are no failures of the run; they are work to do.

## Notes on this run

{notes}
## What is measured

{rows}\
The load generator is part of the same program: raw HTTP/1.1 over kept-alive connections, and SDK clients that start with
the same requests as the official SDK and acknowledge every frame as it does. It runs on one thread.
",
            machine = self.machine(),
            table = self.table(),
            notes = self.notes(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.123, 12.34, 123.4, 1234.5, 1_234_567.0].map(number);
        assert_eq!(shown, ["0.12", "12.3", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn the_table_is_markdown() {
        let mut report = Report::default();
        report.rows.push(
            Row::new(Part::A, "floor", 100.0, "req/s")
                .ratio(0.5, "b")
                .aim("≥ 1", false),
        );
        report.note(Part::A, "note");
        let page = report.markdown();
        assert!(
            report
                .table()
                .lines()
                .all(|line| line.starts_with('|') && line.ends_with('|'))
        );
        assert!(page.contains("| (a) | floor") && page.contains("0.50 × b") && page.contains("- (a) note"));
    }
}
