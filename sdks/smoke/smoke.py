"""Does one of everything with the generated client: smoke.py <url of a gateway> <token>."""

import sys

import holdfast_sdk
from holdfast_sdk.exceptions import ApiException
from holdfast_sdk.models import IncrementKeyRequest

url, token = sys.argv[1:]
configuration = holdfast_sdk.Configuration(host=url, access_token=token)
with holdfast_sdk.ApiClient(configuration) as client:
    keys = holdfast_sdk.KeysApi(client)
    written = keys.put_key("default", "python/ü?#", body=b"\x00\xff", _content_type="application/octet-stream")
    assert written.revision > 2**31, written
    assert keys.get_key("default", "python/ü?#") == b"\x00\xff"
    counted = keys.increment_key("default", "python/hits", increment_key_request=IncrementKeyRequest(delta=2**40))
    assert counted.value == 2**40, counted
    page = holdfast_sdk.RangesApi(client).list_keys("default", prefix="python/", keys_only=True)
    assert [row.key for row in page.rows] == ["python/hits", "python/ü?#"], page
    try:
        keys.put_key(
            "default", "python/hits", if_none_match="*", body=b"1", _content_type="application/octet-stream"
        )
    except ApiException as error:
        assert error.status == 412 and "HF_PRECONDITION_FAILED" in error.body, error
    else:
        raise AssertionError("a condition that does not hold was accepted")
print("every call did what it says")
