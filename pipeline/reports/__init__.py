"""What is read of a run, or told before one: reports, explanations, checks of its files, audits, replays."""
