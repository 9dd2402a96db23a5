import type { ChannelOptions } from '@grpc/grpc-js';
import type { ServerConfig } from '@im/contract';

/** Settings of calls between processes. */
export type RpcConfig = ServerConfig['rpc'];

/** Room for what travels with a request or an answer in the same message. */
const FRAME_SLACK_BYTES = 1_048_576;

/** What every channel and server shares. */
export function channelOptions(config: RpcConfig): ChannelOptions {
  const limit = config.maxMessageBytes + FRAME_SLACK_BYTES;
  return {
    'grpc.max_receive_message_length': limit,
    'grpc.max_send_message_length': limit,
    'grpc.keepalive_time_ms': config.keepaliveMs,
    'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
  };
}
