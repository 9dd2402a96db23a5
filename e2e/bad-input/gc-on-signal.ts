// Loaded before a server under test, with --expose-gc: collects garbage when told, so that memory can be compared.
process.on('SIGUSR2', () => {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
});
