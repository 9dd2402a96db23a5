export { type Admin, type AdminAccess, admin } from './admin.ts';
export {
  type ApiClient,
  ApiError,
  apiClient,
  type CallAs,
  type Endpoint,
  NotAnApiError,
  operationID,
  type RawAnswer,
} from './api-client.ts';
export {
  ConnectionLost,
  connectUrl,
  connectWire,
  type RequestOptions,
  type WireConnection,
  WireError,
  type WireHandlers,
  type WireOptions,
} from './connection.ts';
export { type FrameCodec, gzipped, jsonFrames, type WireRequest, type WireResponse } from './frame-codec.ts';
export { gobFrames } from './gob-frames.ts';
export { loadContent, loadText, parseLoadContent, parseLoadText } from './load-text.ts';
export {
  newestSeqs,
  pullAnswers,
  pullRange,
  readPositions,
  sendMessage,
  type Target,
  textMessage,
} from './requests.ts';
export { type ScannedMessage, scanPush } from './scan-push.ts';
