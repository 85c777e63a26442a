// An MCP client of the official TypeScript SDK, told what to do by a line of JSON at a time on standard input.
// It answers each with one line: {"answer"}, {"authorize"} when a browser has to go somewhere first, {"refused"} or {"error"}.
import { createInterface } from "node:readline";

const [line, address, redirect, clientId] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = line === "1"
  ? {
      ...(await import("@modelcontextprotocol/sdk/client/index.js")),
      ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
      ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
    }
  : await import("@modelcontextprotocol/client");

let wanted;
let expectedState;
const kept = { client: clientId ? { client_id: clientId } : undefined, tokens: undefined, verifier: undefined };
const provider = {
  redirectUrl: redirect,
  clientMetadata: {
    client_name: `TypeScript ${line}`,
    redirect_uris: [redirect],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => (expectedState = crypto.randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (information) => void (kept.client = information),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (url) => void (wanted = url),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
};

let client;
let transport;
let pending;

async function connect() {
  transport = new StreamableHTTPClientTransport(new URL(address), { authProvider: provider });
  client = new Client({ name: `typescript-${line}`, version: "1.0" }, line === "2" ? { versionNegotiation: { mode: "auto" } } : undefined);
  await client.connect(transport);
  const { tools } = await client.listTools();
  return { clientId: kept.client.client_id, tools: tools.map((tool) => tool.name) };
}

const commands = {
  connect,
  call: (parameters) => client.callTool(parameters),
  tokens: () => ({ access: kept.tokens.access_token, refresh: kept.tokens.refresh_token, scope: kept.tokens.scope }),
  // As if five minutes had passed: the server takes the access token no longer.
  expire: () => (kept.tokens = { ...kept.tokens, access_token: "expired" }),
  callback: async (parameters) => {
    if (parameters.state !== expectedState) throw new Error("The callback belongs to another sign-in.");
    if (line === "1") {
      if (parameters.error) return refuse(parameters.error);
      await transport.finishAuth(parameters.code);
    } else {
      try {
        await transport.finishAuth(new URLSearchParams(parameters));
      } catch (error) {
        if (parameters.error && (error.code === parameters.error || error.errorCode === parameters.error)) return refuse(parameters.error);
        throw error;
      }
    }
    return pending();
  },
};

function refuse(reason) {
  throw Object.assign(new Error(reason), { refused: reason });
}

for await (const text of createInterface({ input: process.stdin })) {
  const { command, arguments: parameters } = JSON.parse(text);
  let reply;
  try {
    const act = () => commands[command](parameters);
    if (command !== "callback") pending = act;
    wanted = undefined;
    reply = { answer: (await act()) ?? {} };
  } catch (error) {
    reply = error.refused ? { refused: error.refused } : wanted && error instanceof UnauthorizedError ? { authorize: wanted.href } : { error: `${error.stack}` };
  }
  console.log(JSON.stringify(reply));
}
