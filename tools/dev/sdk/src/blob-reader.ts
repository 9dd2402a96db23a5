/** What the SDK uses of a browser's FileReader, which Node has not. Source: W3C File API, section 6. */
export class BlobReader {
  onload: ((event: { readonly target: { readonly result: ArrayBuffer } }) => void) | undefined;
  onerror: ((error: unknown) => void) | undefined;

  readAsArrayBuffer(blob: Blob): void {
    blob.arrayBuffer().then(
      (result) => this.onload?.({ target: { result } }),
      (error: unknown) => this.onerror?.(error),
    );
  }
}
