"""boto3's transfer manager (s3transfer) as a contestant. Run by race.py: PLAN down|up ENDPOINT OUT|PREFIX."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

boto3: Any = importlib.import_module("boto3")  # not among our own dependencies: the race has an environment for peers
botocore: Any = importlib.import_module("botocore.config")
s3transfer: Any = importlib.import_module("s3transfer.manager")

PART, AT_ONCE = 16 << 20, 10  # 10 is boto3's own default


def main(plan_path: str, way: str, endpoint: str, target: str) -> None:
    plan = json.loads(Path(plan_path).read_bytes())
    config = botocore.Config(
        max_pool_connections=2 * AT_ONCE,
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",  # nobody here checks them
        response_checksum_validation="when_required",
    )
    client = boto3.client("s3", endpoint_url=endpoint, config=config, verify=os.environ["SSL_CERT_FILE"])
    tuned = s3transfer.TransferConfig(
        multipart_threshold=PART, multipart_chunksize=PART, max_request_concurrency=AT_ONCE, max_submission_concurrency=AT_ONCE
    )
    if way == "down":
        for folder in {Path(target, file["path"]).parent for file in plan["files"]}:
            folder.mkdir(parents=True, exist_ok=True)
    with s3transfer.TransferManager(client, tuned) as manager:
        if way == "down":
            futures = [
                manager.download("bkt", f"{plan['prefix']}/{file['path']}", f"{target}/{file['path']}") for file in plan["files"]
            ]
        else:
            futures = [
                manager.upload(f"{plan['folder']}/{file['path']}", "bkt", f"{target}/{file['path']}") for file in plan["files"]
            ]
        for future in futures:
            future.result()


if __name__ == "__main__":
    main(*sys.argv[1:])
