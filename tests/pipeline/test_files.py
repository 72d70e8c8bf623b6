"""Files appear whole or not at all, are found in order, and errors say what is wrong with a path."""

import errno
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import (
    exists,
    find_files,
    is_local,
    is_transient,
    join,
    list_folder,
    open_binary,
    patiently,
    read_text,
    remove,
    remove_drafts,
    resolve_packaged,
    write_whole,
)


def test_a_file_appears_when_all_of_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    with write_whole(str(path)) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_an_error_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(TypeError), write_whole(str(path)) as stream:
        stream.writelines([b"half of the new", "text"])  # type: ignore[list-item]
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_drafts_of_a_killed_process_are_removed_and_nothing_else(tmp_path: Path) -> None:
    with write_whole(str(tmp_path / "part.parquet")) as stream:
        stream.write(b"x")
        (draft,) = tmp_path.iterdir()
    (tmp_path / draft.name).write_bytes(b"as if it had been killed here")
    for name in ("notes.tmp", "part.parquet.tmp", "part.parquet.0123456789ab"):
        (tmp_path / name).touch()
    remove_drafts(str(tmp_path))
    assert list_folder(str(tmp_path)) == ["notes.tmp", "part.parquet", "part.parquet.0123456789ab", "part.parquet.tmp"]


def test_files_are_found_sorted_and_each_once(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.log"):
        (tmp_path / name).write_text(name)
    (tmp_path / "d.txt").mkdir()
    found = find_files([f"{tmp_path}/*.txt", f"{tmp_path}/a.*", f"{tmp_path}/c.log"])
    assert [file.path for file in found] == [f"{tmp_path}/a.txt", f"{tmp_path}/b.txt", f"{tmp_path}/c.log"]
    assert [file.size for file in found] == [5, 5, 5]


def test_a_link_that_leads_nowhere_is_an_error_even_among_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").symlink_to("gone")
    with pytest.raises(InputError, match=r"b\.txt: a link that leads to no file"):
        find_files([f"{tmp_path}/*.txt"])


def test_a_stamp_changes_with_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def stamp() -> str:
        (file,) = find_files([str(path)])
        return file.stamp

    path.write_text("one")
    os.utime(path, ns=(0, 1_000_000_000))
    first = stamp()
    assert stamp() == first
    os.utime(path, ns=(0, 1_000_000_001 + 10**6))
    assert stamp() != first
    path.write_text("longer")
    os.utime(path, ns=(0, 1_000_000_000))
    assert stamp() != first


def test_patterns_that_find_nothing_say_so(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"\*\.gz: no such file$"):
        find_files([f"{tmp_path}/*.gz"])
    with pytest.raises(InputError, match=r"folder: a folder; name files, as in FOLDER/\*"):
        find_files([f"{tmp_path}/folder"])
    with pytest.raises(InputError, match="nowhere"):
        find_files(["nowhere://bucket/x"])


def test_paths_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing: no such file"):
        open_binary(str(tmp_path / "missing"))
    with pytest.raises(InputError, match="is a folder, not a file"):
        open_binary(str(tmp_path))
    (tmp_path / "latin").write_bytes("ä".encode("latin-1"))
    with pytest.raises(InputError, match="latin: not UTF-8 text"):
        read_text(str(tmp_path / "latin"))


@pytest.fixture
def site() -> Iterator[str]:
    """A web server in this process that answers each request with the status that its path names."""
    pytest.importorskip("aiohttp")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:4]))
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_a_web_server_does_not_have_is_told_from_one_that_does_not_answer(site: str) -> None:
    for missing in ("404", "410"):
        with pytest.raises(InputError, match=r"/4[01][04]: no such file"):
            find_files([f"{site}/{missing}"])
        with pytest.raises(InputError, match="no such file"):
            open_binary(f"{site}/{missing}")
    for broken in (f"{site}/503", f"{site}/403", "http://127.0.0.1:1/a.jsonl"):
        with pytest.raises(InputError, match=r"cannot be reached: .*(503|403|127.0.0.1:1)"):
            find_files([broken])
        with pytest.raises(OSError, match="cannot be reached") as caught:
            open_binary(broken)
        assert is_transient(caught.value)
        assert caught.value.filename == broken


def test_folders_are_listed_by_name_and_removed_with_all_they_hold(tmp_path: Path) -> None:
    folder = str(tmp_path / "folder")
    assert list_folder(folder) == []
    remove(folder)
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "file").touch()
    assert list_folder(folder) == ["file", "sub"]
    remove(folder)
    assert not exists(folder)


def test_paths_and_urls_are_joined_alike() -> None:
    assert join("runs/x/", "data", "a") == "runs/x/data/a"
    assert join("s3://bucket/run", "data") == "s3://bucket/run/data"
    assert is_local("runs/x")
    assert is_local("file:///runs/x")
    assert not is_local("memory://x")


def test_a_packaged_file_is_found_unless_there_is_one_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packaged = resolve_packaged("configs/quickstart.yaml")
    assert Path(packaged).is_absolute()
    assert read_text(packaged).startswith(("#", "name"))
    assert resolve_packaged("quickstart.yaml") == packaged
    assert resolve_packaged("configs/none.yaml") == "configs/none.yaml"
    Path("quickstart.yaml").touch()
    assert resolve_packaged("quickstart.yaml") == "quickstart.yaml"


def test_which_errors_pass_if_one_waits() -> None:
    passing = [ConnectionResetError(), TimeoutError(), OSError("a store without numbers"), OSError(errno.EIO, "")]
    assert all(is_transient(error) for error in passing)
    lasting = [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.ENOENT, errno.EROFS, errno.EISDIR]
    assert not any(is_transient(OSError(number, "")) for number in lasting)


def test_what_passes_is_tried_again_as_often_as_there_are_delays() -> None:
    faults: list[Exception] = [OSError(errno.EIO, ""), TimeoutError(), OSError(errno.ENOSPC, ""), ValueError("no file")]

    def attempt() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    with pytest.raises(TimeoutError):
        patiently(attempt, [0])
    with pytest.raises(OSError, match=f"Errno {errno.ENOSPC}"):
        patiently(attempt, [0, 0])
    with pytest.raises(ValueError, match="no file"):
        patiently(attempt, [0, 0])
    assert patiently(attempt, []) == "done"
