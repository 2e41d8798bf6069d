from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.errors import Invalid
from pavedroad.kit.files import put_bytes
from pavedroad.record import Record
from pavedroad.tracking.pictures import label_of
from pavedroad.tracking.previews import TEXT_BYTES, Preview, preview


def show(record: Record, name: str, data: bytes, *, at: int = 0, as_text: bool = False) -> Preview:
    return preview(record, name, put_bytes(record.files, data), at=at, as_text=as_text)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", b"anything", "image"),
        ("a.SVG", b"<svg/>", "image"),
        ("a.csv", b"x,y\n1,2\n", "table"),
        ("a.tsv", b"x\ty\n1\t2\n", "table"),
        ("a.csv", b"", "text"),
        ("a.md", b"# x", "markdown"),
        ("a.html", b"<b>x</b>", "html"),
        ("a.yaml", b"a: 1", "text"),
        ("a.json", b'{"a": 1}', "text"),
        ("a.json", b"{not json", "text"),
        ("a.json", b'{"columns": ["a"], "data": [[1]]}', "table"),
        ("a.json", b'{"columns": ["a"], "data": [1]}', "text"),
        ("no-suffix", b"text", "text"),
        ("model.pkl", b"\x80\x04\x95\x00", "bytes"),
        ("latin.txt", "é".encode("latin-1"), "bytes"),
        ("broken.parquet", b"PAR1 not really", "bytes"),
        ("broken.arrow", b"", "bytes"),
    ],
)
def test_a_file_is_shown_by_what_it_is(record: Record, name: str, data: bytes, kind: str) -> None:
    assert show(record, name, data).kind == kind


def test_json_is_set_out_and_a_logged_table_is_a_table(record: Record) -> None:
    assert show(record, "a.json", b'{"a":[1,2]}').text == '{\n  "a": [\n    1,\n    2\n  ]\n}'
    logged = {"columns": ["question", "score"], "data": [["a", 1.5], ["b", None]]}
    assert show(record, "t.json", json.dumps(logged).encode()).rows == [
        ["question", "score"],
        ["a", "1.5"],
        ["b", ""],
    ]


def test_a_long_table_says_what_is_left_out(record: Record) -> None:
    wide = ",".join(f"c{at}" for at in range(50)) + "\n" + (",".join("1" * 50) + "\n") * 2000
    shown = show(record, "a.csv", wide.encode())
    assert (len(shown.rows), len(shown.rows[0])) == (51, 30)
    assert shown.says == "Shown: the first 50 rows and the first 30 columns."
    narrow = show(record, "b.csv", b"x\n" + b"1\n" * 300)
    assert len(narrow.rows) == 101
    assert narrow.numeric == [True]


def test_a_text_is_read_on_from_line_to_line_without_a_gap(record: Record) -> None:
    data = "".join(f"line {number} über\n" for number in range(9000)).encode()
    at, pieces, starts = 0, [], []
    while True:
        shown = show(record, "train.log", data, at=at)
        assert len(shown.text.encode()) <= TEXT_BYTES
        pieces.append(shown.text)
        starts.append(shown.start)
        if shown.next is None:
            break
        at = shown.next
    assert "".join(pieces).encode() == data
    assert len(pieces) > 3
    assert show(record, "train.log", data).previous is None
    assert show(record, "train.log", data, at=starts[1]).previous == 0


@given(text=st.text(min_size=1, max_size=40), at=st.integers(0, 200))
def test_any_place_in_a_text_is_shown_from_whole_letters(text: str, at: int) -> None:
    data = (text.replace("\0", "") + "x").encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
    at = min(at, len(data))
    record = _Files(data)
    shown = preview(record, "a.txt", put_bytes_of(data), at=at)  # type: ignore[arg-type]
    assert "\ufffd" not in shown.text or "\ufffd" in data.decode()


class _Files:
    """A record of one file."""

    def __init__(self, data: bytes) -> None:
        self.files = self
        self._data = data

    def open(self, digest: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def put_bytes_of(data: bytes) -> object:
    from pavedroad.kit.files import Stored

    return Stored(digest="0" * 64, size_bytes=len(data))


def test_a_place_beyond_the_file_is_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="is no byte of the file"):
        show(record, "a.txt", b"abc", at=4)


def test_parquet_and_arrow_show_their_first_rows(record: Record) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet

    table = pa.table({"n": list(range(5000)), "s": ["x"] * 5000, "b": [b"abc"] * 5000})
    for name, write in (
        ("a.parquet", pyarrow.parquet.write_table),
        ("a.feather", pyarrow.feather.write_feather),
    ):
        out = io.BytesIO()
        write(table, out)
        shown = show(record, name, out.getvalue())
        assert shown.kind == "table"
        assert shown.rows[:2] == [["n", "s", "b"], ["0", "x", "3 bytes"]]
        assert len(shown.rows) == 101
        assert shown.says == "5,000 rows and 3 columns in all."


def test_an_image_is_readable_as_text_when_that_is_asked(record: Record) -> None:
    assert show(record, "a.svg", b"<svg/>", as_text=True).text == "<svg/>"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("val~cats+step+10+timestamp+17+0f-1e.png", "val/cats, step 10"),
        ("val#cats%step%10%timestamp%17%0f1e%compressed.webp", "val/cats, step 10"),
        ("roc.png", "roc.png"),
        ("a+step+x+timestamp+1+u.png", "a+step+x+timestamp+1+u.png"),
    ],
)
def test_a_logged_picture_is_called_by_its_key_and_step(name: str, label: str) -> None:
    assert label_of(name) == label
