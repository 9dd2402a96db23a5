export { createTracing, type OwnedTracing, type TracingDeps } from './tracing.ts';
