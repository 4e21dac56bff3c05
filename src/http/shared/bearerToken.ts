/** The token of an `Authorization` header: `Bearer <jwt>`, or the bare token that the Go project's client sends. */
export const bearerToken = (authorization: string): string | undefined =>
  /^(?:bearer +)?([A-Za-z0-9._~+/=-]+)$/i.exec(authorization.trim())?.[1]
