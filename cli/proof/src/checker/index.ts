export { type CheckOptions, DEFAULT_CHECK } from './check-conversation.ts';
export { type CheckLogsOptions, checkFacts, checkLogs } from './check-logs.ts';
export * from './facts.ts';
export { type FactSink, now, openRecorder, type Recorder } from './recorder.ts';
export { untilComplete } from './until-complete.ts';
export {
  FAULTS,
  type Fault,
  type Finding,
  isClean,
  textTable,
  type Verdict,
  type VerdictRow,
  verdictTable,
} from './verdict.ts';
