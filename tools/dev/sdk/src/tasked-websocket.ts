/**
 * Node's WebSocket dispatches frames that arrive together one after the other, without returning to
 * the event loop; the standard, and so every browser, makes each a separate task. The SDK relies on
 * that: code that awaits a reply must have run before the next push is dispatched.
 */
export class TaskedWebSocket extends WebSocket {
  override set onmessage(listener: ((event: MessageEvent) => void) | null) {
    super.onmessage =
      listener &&
      ((event: MessageEvent) => {
        setImmediate(() => listener(event));
      });
  }
  override get onmessage() {
    return super.onmessage;
  }
}
