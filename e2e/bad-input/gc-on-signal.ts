// Loaded before a server under test, with --expose-gc: collects garbage when told, so that memory can be compared.
process.on('SIGUSR2', () => {
  const { gc } = globalThis as { gc?: (options: object) => void };
  // The thorough kind also gives free pages back to the system.
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});
