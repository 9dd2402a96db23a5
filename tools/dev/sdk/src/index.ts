export { chromiumPath, ensureChromium, ensureCjkFonts } from './chromium.ts';
export { type EventLog, eventLog, type SdkEvent, type WaitOptions } from './event-log.ts';
export { startJsHost } from './js-host.ts';
export { SdkError, type SdkHost, type SdkKind, type SdkPort } from './sdk-port.ts';
export {
  messagesOf,
  type SdkConversation,
  type SdkGroup,
  type SdkMessage,
  SdkUser,
  textOf,
} from './sdk-user.ts';
export { startWasmHost } from './wasm-host.ts';
