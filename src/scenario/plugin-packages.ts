/** Artillery's plugins that the bundle carries. */
export const bundledPlugins = ['ensure', 'expect', 'metrics-by-endpoint', 'apdex'] as const;
