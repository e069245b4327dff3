"""Counters that many threads feed."""

import threading

from lading.transfer.progress import Meter, Progress


def test_what_many_threads_add_is_all_counted() -> None:
    meter = Meter()

    def feed() -> None:
        for _ in range(1000):
            meter.add(files_done=1, bytes_done=10, bytes_reused=3)

    threads = [threading.Thread(target=feed) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counts = meter.statistics()
    assert (counts.files_done, counts.bytes_done, counts.bytes_reused, counts.bytes_moved) == (8000, 80000, 24000, 56000)


def test_the_listener_hears_at_most_ten_times_a_second_and_at_the_end() -> None:
    heard = list[Progress]()
    meter = Meter(heard.append)

    for _ in range(1000):
        meter.add(files_done=1)
    final = meter.finish()

    assert len(heard) <= 2 + 10 * final.seconds
    assert heard[-1] == final
    assert final.files_done == 1000
    assert final.files_moved == 1000
