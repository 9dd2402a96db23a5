export type { CheckDetail, CheckFailure, CheckResult, CheckSource } from './check-result.ts';
export { type StoreCheck, storeChecks } from './store-checks.ts';
