/** Name of the step in which new connections go to new gateways, while those of the old ones stay. */
export const CANARY = 'gateway canary';
/** Name of the step in which the connections of old gateways move. */
export const GATEWAYS = 'gateway';
