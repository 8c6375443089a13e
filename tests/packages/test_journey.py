"""A package from its link to its statistics, as the document has it."""

from packages.journey import Owner, owner_name, work

from downstream_node.packages.worker import Worker


def test_s2_from_link_to_statistics(owner: Owner, worker: Worker) -> None:
    """Submitted, queued, processed, opened."""
    owner.submit()
    status = owner.status()
    assert (status["isProcessing"], status["processingStep"]) == (True, "LOCKED")
    assert work(worker)
    status = owner.status()
    assert (status["isDataAvailable"], status["processingStep"]) == (True, "PROCESSED"), status
    assert owner_name(owner.data()) == "ada"
