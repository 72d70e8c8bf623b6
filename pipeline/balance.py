"""Where books do not balance: the law that report states and verify enforces."""

from collections import Counter

from textmill.pipeline.ledger import Ledger


def imbalances(ledger: Ledger) -> list[str]:
    """Each place in one ledger where rows in are not rows out plus rows dropped; empty when it balances.

    Of a step that cuts spans out of texts, characters too.
    """
    problems = []
    dropped = Counter[str]()
    for (step, *_), rows in ledger.dropped_rows.items():
        dropped[step] += rows
    if ledger.rows_in + ledger.copies != ledger.rows_out + ledger.rows_dropped:
        copies = f" and {ledger.copies} copies" if ledger.copies else ""
        problems.append(
            f"{ledger.rows_in} rows in{copies}, but {ledger.rows_out} out and {ledger.rows_dropped} dropped"
        )
    left = ledger.rows_in
    cut = Counter[str]()
    for (step, *_), edits in ledger.edited.items():
        cut[step] += edits.chars
    for label, account in ledger.steps.items():
        if cut[label]:  # a barrier, whose edits are all booked; a mapper's are not
            gone = sum(chars for (step, *_), chars in ledger.dropped_chars.items() if step == label)
            if account.chars_in != account.chars_out + gone + cut[label]:
                problems.append(
                    f"step {label!r}: {account.chars_in} characters in, but {account.chars_out} out, "
                    f"{gone} in dropped documents and {cut[label]} cut out of others"
                )
        if account.rows_in != left:
            problems.append(f"{left} rows left for step {label!r}, but {account.rows_in} came")
        if account.rows_in - account.rows_out != dropped[label]:
            problems.append(
                f"step {label!r}: {account.rows_in} rows in, but {account.rows_out} out and {dropped[label]} dropped"
            )
        left = account.rows_out
    if ledger.steps and left != ledger.rows_out:
        problems.append(f"{left} rows left the last step, but {ledger.rows_out} are booked as kept")
    return problems
