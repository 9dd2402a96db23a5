/** Most bytes of an answer of an identity provider. */
const MAX_BYTES = 1_048_576;
const TIMEOUT_MS = 10_000;

/** What a provider is asked with. */
type Fetch = (url: string, options: object) => Promise<Response>;

/** A fetch whose answers arrive within 10 s, have 1 MiB at most, and lead nowhere else. */
export const boundedFetch: Fetch = async (url, options) => {
  const response = await fetch(url, {
    ...options,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES)
      throw new RangeError(`the answer of ${new URL(url).host} has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const { status, headers } = response;
  const hasBody = ![204, 205, 304].includes(status);
  const answer = new Response(hasBody ? Buffer.concat(chunks) : null, { status, headers });
  Object.defineProperty(answer, 'url', { value: response.url });
  return answer;
};
