"""Nothing is overwritten, nothing that is not ours is removed, nothing is left half-written."""

import os
import stat
import threading

import pytest

from remix_track import reservations
from remix_track.errors import InputError
from remix_track.output_files import atomic_write, release_folder, reserve_folder, reserve_numbered_folder
from remix_track.reservations import MARK


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_is_made_with_its_parents_and_marked(tmp_path):
    path = reserve_folder(tmp_path / "runs" / "pets")
    assert path == tmp_path / "runs" / "pets"
    assert names(path) == [MARK]


def test_an_empty_folder_may_be_taken(tmp_path):
    (tmp_path / "pets").mkdir()
    assert names(reserve_folder(tmp_path / "pets")) == [MARK]


def test_a_result_is_replaced_only_when_asked(tmp_path):
    path = reserve_folder(tmp_path / "pets")
    (path / "tracks.txt").write_text("1")
    reservations.release(path)
    with pytest.raises(InputError) as caught:
        reserve_folder(path)
    assert str(caught.value) == (
        f"{path}: there is something already; give another `output`, or `overwrite` to replace a result"
    )
    assert (path / "tracks.txt").read_text() == "1"
    assert names(reserve_folder(path, overwrite=True)) == [MARK]


def test_overwrite_spares_what_is_not_ours(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError) as caught:
        reserve_folder(tmp_path, overwrite=True)
    assert str(caught.value) == (
        f"{tmp_path}: not a result of remix-track, so `overwrite` leaves it alone; give another `output`"
    )
    assert names(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_not_a_folder(tmp_path, overwrite):
    (tmp_path / "video.mp4").write_text("precious")
    with pytest.raises(InputError):
        reserve_folder(tmp_path / "video.mp4", overwrite=overwrite)
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\); give another `output`"):
        reserve_folder(tmp_path / "video.mp4" / "out", overwrite=overwrite)
    assert (tmp_path / "video.mp4").read_text() == "precious"


def test_only_an_empty_claim_is_given_back(tmp_path):
    empty, full, foreign = reserve_folder(tmp_path / "empty"), reserve_folder(tmp_path / "full"), tmp_path / "foreign"
    (full / "tracks.txt").write_text("1")
    foreign.mkdir()
    for folder in (empty, full, foreign, tmp_path / "nowhere"):
        release_folder(folder)
    assert names(tmp_path) == ["foreign", "full"]
    assert names(full) == [MARK, "tracks.txt"]


def test_overwrite_through_a_link_removes_nothing(tmp_path):
    real = reserve_folder(tmp_path / "real")
    reservations.release(real)
    (real / "tracks.txt").write_text("1")
    (tmp_path / "link").symlink_to(real)
    with pytest.raises(InputError, match=r"cannot be written \(.*symbolic link.*\)"):
        reserve_folder(tmp_path / "link", overwrite=True)
    assert (real / "tracks.txt").exists()


def test_numbered_folders_count_up(tmp_path):
    made = [reserve_numbered_folder(tmp_path / "runs", "pets").name for _ in range(3)]
    assert made == ["pets", "pets-2", "pets-3"]


def test_runs_at_the_same_time_get_different_folders(tmp_path):
    made, start = [], threading.Barrier(8)

    def run():
        start.wait()
        made.append(reserve_numbered_folder(tmp_path, "pets"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8


def test_a_file_appears_in_one_piece_with_the_rights_of_any_new_file(tmp_path):
    path = tmp_path / "new" / "summary.json"
    with atomic_write(path) as temporary:
        assert temporary.suffix == ".json"
        temporary.write_text("{}")
        assert not path.exists()
    assert path.read_text() == "{}"
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert names(path.parent) == ["summary.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_the_file_that_was_there(tmp_path, error):
    path = tmp_path / "summary.json"
    path.write_text("before")

    def write():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "before"
    assert names(tmp_path) == ["summary.json"]


def test_a_full_disk_is_one_clear_error(tmp_path):
    path = tmp_path / "summary.json"

    def write():
        with atomic_write(path):
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError) as caught:
        write()
    assert str(caught.value) == f"{path}: cannot be written (No space left on device)"
    assert names(tmp_path) == []


def test_a_place_that_is_no_folder_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="cannot be written"), atomic_write(tmp_path / "out" / "summary.json"):
        pass
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(InputError, match=r"taken: cannot be written \(Is a directory\)"),
        atomic_write(tmp_path / "taken"),
    ):
        pass
    assert names(tmp_path) == ["out", "taken"]


def test_a_long_name_has_room_for_its_temporary(tmp_path):
    path = tmp_path / ("n" * 250 + ".txt")
    with atomic_write(path) as temporary:
        temporary.write_text("1")
    assert path.read_text() == "1"


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_file_has_the_rights_of_a_new_one_whatever_its_writer_does(tmp_path, umask, rights):
    """Safetensors' writer puts a file of mode 0600 in the place of the temporary one."""
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "plain.txt") as temporary:
            temporary.write_text("1")
        with atomic_write(tmp_path / "replaced.safetensors") as temporary:
            private = tmp_path / "private"
            private.write_text("2")
            private.chmod(0o600 if umask != 0o077 else 0o666)
            private.replace(temporary)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.iterdir())] == [rights, rights]
