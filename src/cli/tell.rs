//! Remarks on standard error. Unlike `eprintln!`, a reader that went away does not end the program.

/// Writes a line to standard error.
macro_rules! tell {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("{}\n", format_args!($($text)*)));
    }};
}

pub(crate) use tell;
