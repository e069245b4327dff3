"""The examples of W&B's own pages, run with `import lading as wandb`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lading

Fill = Callable[..., Path]

# Seed 000 (the class) and seed 003 (download and use), but for media and references.
SCRIPTS = {
    "basic use": """
api = wandb.Api()
artifact = api.artifact('project/artifact:alias')
artifact.digest
artifact.aliases
""",
    "update": """
api = wandb.Api()
artifact = api.artifact('project/artifact:alias')
artifact.description = 'My new description'
artifact.metadata["oldKey"] = "new value"
artifact.metadata = {"newKey": "new value"}
artifact.aliases.append('best')
artifact.aliases.remove('latest')
artifact.aliases = ['replaced']
artifact.save()
assert api.artifact('project/artifact:replaced').metadata == {"newKey": "new value"}
""",
    "graph": """
api = wandb.Api()
artifact = api.artifact('project/artifact:alias')
producer_run = artifact.logged_by()
consumer_runs = artifact.used_by()
logged_artifacts = producer_run.logged_artifacts()
used_artifacts = producer_run.used_artifacts()
assert [a.name for a in logged_artifacts] == ["artifact:v0"] and list(used_artifacts) == consumer_runs == []
""",
    "delete": """
api = wandb.Api()
artifact = api.artifact('project/artifact:alias')
try:
    artifact.delete()
except wandb.CommError:
    artifact.delete(delete_aliases=True)
""",
    "delete models": """
api = wandb.Api()
runs = api.runs(path="me/project")
for run in runs:
    for artifact in run.logged_artifacts():
        if artifact.type == "dataset":
            artifact.delete(delete_aliases=True)
assert not api.artifact_exists('project/artifact')
""",
    "add_dir and add_file": """
artifact = wandb.Artifact('x', 'dataset')
artifact.add_dir('my_dir/')
artifact.add_dir('my_dir/', name='destination')
artifact.add_file('path/to/file.txt')
artifact.add_file('path/to/file.txt', name='new/path/file.txt')
assert sorted(artifact.manifest.entries) == ['a', 'destination/a', 'file.txt', 'new/path/file.txt']
""",
    "get_path": """
with wandb.init() as r:
    artifact = wandb.Artifact('my_dataset', type='dataset')
    artifact.add_file('path/to/file.txt')
    wandb.log_artifact(artifact)
with wandb.init() as r:
    artifact = r.use_artifact('my_dataset:latest')
    path = artifact.get_path('file.txt')
    assert open(path.download()).read() == 'text'
""",
    "new_file": """
wandb.init()
artifact = wandb.Artifact('my_data', type='dataset')
with artifact.new_file('hello.txt') as f:
    f.write('hello!')
wandb.log_artifact(artifact)
artifact.wait()
assert artifact.version == 'v0'
""",
    "add": """
artifact = wandb.Artifact('my_table', 'dataset')
table = wandb.Table(columns=["a", "b", "c"], data=[[i, i*2, 2**i] for i in range(10)])
artifact.add(table, "my_table")
wandb.init()
wandb.log_artifact(artifact)
artifact = wandb.use_artifact('my_table:latest')
table = artifact.get("my_table")
assert table.data[9] == [9, 18, 512]
""",
    "get": """
with wandb.init() as r:
    artifact = wandb.Artifact('my_dataset', type='dataset')
    table = wandb.Table(columns=["a", "b", "c"], data=[[i, i*2, 2**i] for i in range(10)])
    artifact.add(table, "my_table")
    wandb.log_artifact(artifact)
with wandb.init() as r:
    artifact = r.use_artifact('my_dataset:latest')
    read = r.get('my_table')
    assert read == artifact.get('my_table') == table
""",
    "__getitem__": """
wandb.init()
artifact = wandb.Artifact('my_table', 'dataset')
table = wandb.Table(columns=["a", "b", "c"], data=[[i, i*2, 2**i] for i in range(10)])
artifact["my_table"] = table
wandb.log_artifact(artifact)
artifact = wandb.use_artifact('my_table:latest')
assert artifact["my_table"] == table
""",
    "in a run": """
run = wandb.init(project="project", job_type="train")
artifact = run.use_artifact("artifact:latest")
datadir = artifact.download()
path = artifact.get_path("bike.png")
assert path.ref is None
path.download()
artifact.download(path_prefix="bike.png")
artifact.download(path_prefix="images/bikes/")
""",
    "outside of a run": """
api = wandb.Api()
artifact = api.artifact("me/project/artifact:alias")
artifact.download()
artifact.download(root="mnist/")
artifact.checkout("mnist/")
artifact.verify("mnist/")
""",
    "link": """
api = wandb.Api()
artifact = api.artifact('project/artifact:alias')
artifact.link('portfolio')
artifact.link('project/portfolio', aliases=['best'])
artifact.link('me/project/portfolio', ['good'])
assert api.artifact('project/portfolio:best').aliases == ['best', 'good', 'latest']
""",
    "from another project": """
run = wandb.init(project="other", job_type="train")
artifact = run.use_artifact("project/artifact:alias")
artifact = run.use_artifact("me/project/artifact:alias")
""",
    "make and use": """
run = wandb.init(project="other")
artifact = wandb.Artifact("reference model")
artifact.add_file("model.h5")
run.use_artifact(artifact)
run.use_artifact(artifact)
assert artifact.version == "v0"
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_wandbs_pages_runs_as_it_is(home: Path, fill: Fill, name: str) -> None:
    fill(".", {"model.h5": "weights", "path/to/file.txt": "text", "my_dir/a": "1"})
    with lading.init(project="project", entity="me") as run:
        artifact = lading.Artifact("artifact", "dataset")
        artifact.add_dir(fill("in", {"bike.png": "1", "images/bikes/b": "2"}))
        run.log_artifact(artifact, aliases=["alias"])

    done = subprocess.run(
        [sys.executable, "-c", f"import lading as wandb\n{SCRIPTS[name]}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
