export type { ComponentOverrides, ProcessDeps } from './components.ts';
export { type ModuleName, type ProcessModule, ROLES } from './roles.ts';
export { serve } from './serve.ts';
export { type Overrides, type RunningServer, type RunOptions, runServer } from './server.ts';
