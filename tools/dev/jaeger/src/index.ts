export { type Jaeger, startJaeger } from './jaeger.ts';
export { type JaegerSpan, type JaegerTrace, spansOf } from './trace.ts';
