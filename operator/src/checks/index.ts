export type { CheckDetail, CheckFailure, CheckResult, CheckSource } from './check-result.ts';
