"""COS's XML API and STS, one method per operation. Keys and markers are plain text in and out."""

from adapters.cloud_storage.client.objects import ObjectsClient
from adapters.cloud_storage.client.sts import StsClient
from adapters.cloud_storage.client.uploads import UploadsClient
from adapters.cloud_storage.client.wire import CLOCK_LEEWAY_SECONDS, Wire, wire_host

__all__ = ["CLOCK_LEEWAY_SECONDS", "ObjectsClient", "StsClient", "UploadsClient", "Wire", "wire_host"]
