export { as, codeOf, refuses } from './calls.ts';
export { eventually } from './eventually.ts';
export { mutate, printedSeed, type Random, seeded } from './mutations.ts';
export { route, type SentNotification } from './notifications.ts';
export {
  type DomainOptions,
  describeDomain,
  type Fakes,
  newCluster,
  startDomain,
  TENANTS,
  type TestCluster,
  type TestDomain,
} from './start-domain.ts';
export { startStores, type TestStores } from './stores.ts';
