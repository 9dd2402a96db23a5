/** Ports that backends listen on by default. */
export const BACKEND_PORTS = { nats: 4_222, mongodb: 27_017, redis: 6_379, objectStorage: 8_333 } as const;

/** The oldest version of each backend that has everything the services use. Older ones of NATS ignore atomic batches silently. */
export const MINIMUM_VERSIONS = { nats: '2.12.0', mongodb: '7.0', redis: '7.0' } as const;
