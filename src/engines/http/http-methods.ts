/** Methods that a flow makes HTTP requests with; each is the key of its step. */
export const httpMethods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

/** Whether a step is an HTTP request. */
export const isHttpStep = (spec: Readonly<Record<string, unknown>>): boolean =>
  httpMethods.some((method) => spec[method] !== undefined);

/** Whether an HTTP request is anywhere in a flow or a step, its loops and parallel steps included. */
export const hasHttpStep = (flow: unknown): boolean => {
  if (Array.isArray(flow)) return flow.some(hasHttpStep);
  if (typeof flow !== 'object' || flow === null) return false;
  const spec = flow as Record<string, unknown>;
  return isHttpStep(spec) || hasHttpStep(spec.loop) || hasHttpStep(spec.parallel);
};
