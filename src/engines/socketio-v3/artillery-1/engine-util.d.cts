/** Artillery 1's helpers for engines, as the package artillery-engine-socketio-v3 calls them. */
declare const engineUtil: {
  template?: (value: unknown, context: { vars: Record<string, unknown> }) => unknown;
  captureOrMatch?: (...args: unknown[]) => unknown;
};

export = engineUtil;
