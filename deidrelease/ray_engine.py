"""Scans on a Ray cluster: the index lies once in the object store, every shard is a task, tallies come back in order.

How far that carries and what it costs: docs/decisions/0007-audits-on-a-cluster.md.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.engine import SHARD_CHARACTERS, added, guarded, shards_of, taken
from deidrelease.errors import ConfigError, Problem

_held: dict[str, Callable[[Shard], Any]] = {}


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Scans as Ray tasks; its tallies are equal to those of `LocalEngine`, to the byte.

    Joins the cluster that RAY_ADDRESS names, or begins one of `workers` processes on this machine. Private text passes
    through the cluster's object stores, and onto their disks where a store is full: a cluster belongs to the site as
    the corpus does. Ray's usage statistics are switched off.

    Attributes:
        workers: Shards under way are at most twice as many.
        shard_characters: About how much text a shard holds.
    """

    workers: int = 2
    shard_characters: int = SHARD_CHARACTERS

    def tally(self, audit: Audit, index: Any, corpora: Corpora, seen: Callable[[Shard], None]) -> Any:
        """Adds in reading order, as `LocalEngine.tally` does.

        Raises:
            ConfigError: Ray is not installed.
        """
        ray = connected(self.workers)
        scan = ray.put(partial(audit.scan, index))
        task = ray.remote(_scan_shard).options(max_retries=2)
        shards = shards_of(audit, corpora, self.shard_characters)

        def tallies() -> Iterator[Any]:
            waiting: list[tuple[Any, Shard]] = []
            for shard in shards:
                # In a list the reference stays one: the worker fetches the index once, not with every shard.
                waiting.append((task.remote([scan], scan.hex(), shard), shard))
                if len(waiting) >= 2 * self.workers:
                    yield _fetched(ray, *waiting.pop(0), seen)
            for reference, shard in waiting:
                yield _fetched(ray, reference, shard, seen)

        return added(tallies(), audit)


def connected(workers: int) -> Any:
    """Ray, joined to the cluster that RAY_ADDRESS names, or to one of `workers` processes begun here.

    Raises:
        ConfigError: Ray is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing leaves the site
    os.environ["RAY_IGNORE_UNHANDLED_ERRORS"] = "1"  # else Ray prints the messages of what fails
    try:
        import ray
    except ImportError:
        problem = Problem("--engine ray", "Ray is not installed", "pip install 'deidrelease[ray]'")
        raise ConfigError("The engine is not there.", [problem]) from None
    if not ray.is_initialized():
        size = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, configure_logging=False, **size)
    return ray


def _scan_shard(scan: list[Any], name: str, shard: Shard) -> Any:
    return guarded(partial(_scan_held, scan, name), shard)


def _scan_held(scan: list[Any], name: str, shard: Shard) -> Any:
    if name not in _held:
        import ray

        _held.clear()
        _held[name] = ray.get(scan[0])
    return _held[name](shard)


def _fetched(ray: Any, reference: Any, shard: Shard, seen: Callable[[Shard], None]) -> Any:
    tally = taken(ray.get(reference))
    seen(shard)
    return tally
