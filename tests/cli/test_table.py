from lading.api.cli.table import Column, plain_table, rich_table

COLUMNS = [Column("NAME"), Column("SIZE", right=True), Column("NOTE")]
ROWS = [["a", "1 kB", ""], ["[red]long", "10 kB", "x"]]


def test_text_is_aligned_and_has_no_spaces_at_the_end() -> None:
    assert plain_table(COLUMNS, ROWS) == "NAME        SIZE  NOTE\na           1 kB\n[red]long  10 kB  x\n"


def test_a_terminal_gets_the_same_text() -> None:
    lines = [line.rstrip() for line in rich_table(COLUMNS, ROWS).splitlines()]

    assert [line.split() for line in lines] == [line.split() for line in plain_table(COLUMNS, ROWS).splitlines()]
