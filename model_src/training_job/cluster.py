"""Which machines work on the job, and how many processes each of them runs: one for every GPU."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_src.training_job.places import JobInvalid, Places

PORT = "29500"  # torchrun's own; open between the hosts of one job


@dataclass(frozen=True)
class Cluster:
    hosts: tuple[str, ...] = ("localhost",)
    here: str = "localhost"
    processes: int = 1  # on each host
    interface: str | None = None  # of the network between the hosts

    @property
    def size(self) -> int:
        return len(self.hosts) * self.processes

    @property
    def leads(self) -> bool:
        """The one host that packages the model."""
        return self.here == self.hosts[0]

    def variables(self, local: int) -> dict[str, str]:
        """What torchrun would set for one of the processes on this host."""
        leader = self.hosts[0] if len(self.hosts) > 1 else "127.0.0.1"
        found = {
            "RANK": str(self.hosts.index(self.here) * self.processes + local),
            "LOCAL_RANK": str(local),
            "WORLD_SIZE": str(self.size),
            "LOCAL_WORLD_SIZE": str(self.processes),
            "MASTER_ADDR": leader,
            "MASTER_PORT": PORT,
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads(self.processes))),
        }
        if self.interface and len(self.hosts) > 1:
            found |= {"NCCL_SOCKET_IFNAME": self.interface, "GLOO_SOCKET_IFNAME": self.interface}
        return found


def threads(processes: int) -> int:
    """The cores of a host are shared out: threads that outnumber them slow each other down."""
    return max(1, (os.cpu_count() or 1) // processes)


def read_cluster(places: Places, environment: Mapping[str, str]) -> Cluster:
    """`SM_…` variables where there are some, else the file that SageMaker writes, else this machine alone."""
    told = places.told("resourceconfig")
    hosts = from_json("SM_HOSTS", environment, told.get("hosts") or ["localhost"])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise JobInvalid(f"SM_HOSTS is no list of names: {hosts!r}.")
    here = environment.get("SM_CURRENT_HOST") or told.get("current_host") or hosts[0]
    if here not in hosts:
        raise JobInvalid(f"This host is called {here!r} and is not among the hosts of the job, {', '.join(hosts)}.")
    gpus = from_json("SM_NUM_GPUS", environment, None)
    gpus = count_gpus() if gpus is None else gpus
    if not isinstance(gpus, int) or gpus < 0:
        raise JobInvalid(f"SM_NUM_GPUS is no number of GPUs: {gpus!r}.")
    return Cluster(tuple(sorted(hosts)), here, max(1, gpus), told.get("network_interface_name"))


def count_gpus() -> int:
    import torch  # seconds; whoever only starts processes does without

    return torch.cuda.device_count()


def from_json(name: str, environment: Mapping[str, str], otherwise: Any) -> Any:
    if name not in environment:
        return otherwise
    try:
        return json.loads(environment[name])
    except ValueError as error:
        raise JobInvalid(f"{name} is no JSON: {environment[name]!r}.") from error
