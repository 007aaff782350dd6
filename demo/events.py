"""A small real event log for TensorBoard, written with TensorBoard's own writer: no TensorFlow needed."""

import math
import shutil
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

RUNS = {"warm": 0.5, "cold": 0.9}
STEPS = 100
START = 1_700_000_000.0


def write(directory: Path, runs: dict[str, float] = RUNS) -> None:
    """Writes one run for each entry: a loss that falls and an accuracy that rises."""
    shutil.rmtree(directory, ignore_errors=True)
    for run, decay in runs.items():
        writer = EventFileWriter(str(directory / run))
        for step in range(STEPS):
            loss = math.exp(-step / 20) * decay + 0.02 * math.sin(step)
            values = [
                Summary.Value(tag="loss", simple_value=loss),
                Summary.Value(tag="accuracy", simple_value=1 - loss),
            ]
            writer.add_event(Event(wall_time=START + step, step=step, summary=Summary(value=values)))
        writer.close()
