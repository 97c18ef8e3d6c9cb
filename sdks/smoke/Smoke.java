import io.holdfast.sdk.ApiClient;
import io.holdfast.sdk.ApiException;
import io.holdfast.sdk.api.KeysApi;
import io.holdfast.sdk.api.RangesApi;
import io.holdfast.sdk.model.IncrementKeyRequest;
import java.nio.file.Files;

/** Does one of everything with the generated client: Smoke <url of a gateway> <token>. */
final class Smoke {
  private static void check(boolean ok, Object what) {
    if (!ok) throw new AssertionError(what);
  }

  public static void main(String[] arguments) throws Exception {
    var client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + arguments[1]));
    var keys = new KeysApi(client);
    var file = Files.createTempFile("holdfast-smoke-", "");
    Files.write(file, new byte[] {0, -1});
    var written = keys.putKey("default", "java/ü?#", null, null, null, null, null, null, null, null, file.toFile());
    Files.delete(file);
    check(written.getRevision() > Integer.MAX_VALUE, written);
    var request = new IncrementKeyRequest().delta(1L << 40);
    var counted = keys.incrementKey("default", "java/hits", null, null, null, null, null, null, request);
    check(counted.getValue() == 1L << 40, counted);
    var page =
        new RangesApi(client)
            .listKeys("default", "java/", null, null, null, null, null, null, null, null, true, null, null, null, null, null);
    check(page.getCount() == 2 && "java/ü?#".equals(page.getRows().get(1).getKey()), page);
    try {
      keys.deleteKey("default", "java/hits", null, null, null, "\"1\"", null, null);
      throw new AssertionError("a condition that does not hold was accepted");
    } catch (ApiException error) {
      check(error.getCode() == 412, error);
    }
    System.out.println("every call did what it says");
  }
}
