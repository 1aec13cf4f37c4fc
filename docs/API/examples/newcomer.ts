// Book, repeat, page and edit with the generated types: `API` and `TOKEN` come from outside.
import createClient from "openapi-fetch";
import type { components, paths } from "./budgetbuddy.js";

declare const process: { env: Record<string, string> };
type Transaction = components["schemas"]["TransactionView"];

const client = createClient<paths>({
  baseUrl: process.env["API"] ?? "",
  headers: { Authorization: `Bearer ${process.env["TOKEN"]}` },
});

function must<T>(value: T | undefined, problem: unknown): T {
  if (value === undefined) throw new Error(JSON.stringify(problem));
  return value;
}

async function booked(accountId: string, amount: string, description: string, key: string): Promise<Transaction> {
  const { data, error } = await client.POST("/api/v1/transactions", {
    params: { header: { "Idempotency-Key": key } },
    body: { accountId, date: "2026-03-14", amount: { amount, currency: "EUR" }, description },
  });
  return must(data, error);
}

const opened = await client.POST("/api/v1/accounts", {
  body: { name: "Giro", kind: "checking", currency: "EUR" },
});
const account = must(opened.data, opened.error);

const key = crypto.randomUUID();
const coffee = await booked(account.id, "-3.20", "Coffee", key);
const again = await booked(account.id, "-3.20", "Coffee", key);
if (again.id !== coffee.id) throw new Error("booked twice");
await booked(account.id, "100.00", "Refund", crypto.randomUUID());

const seen: string[] = [];
let cursor: string | null = null;
do {
  const query: { accountId: string; limit: number; cursor?: string } = { accountId: account.id, limit: 1 };
  if (cursor !== null) query.cursor = cursor;
  const listed = await client.GET("/api/v1/transactions", { params: { query } });
  const page: components["schemas"]["TransactionList"] = must(listed.data, listed.error);
  seen.push(...page.items.map((row) => row.description));
  cursor = page.nextCursor;
} while (cursor !== null);
if (seen.sort().join() !== "Coffee,Refund") throw new Error(seen.join());

for (const status of [200, 412]) { // the second edit names a version that is over
  const edited = await client.PATCH("/api/v1/transactions/{transactionId}", {
    params: { path: { transactionId: coffee.id }, header: { "If-Match": `"${coffee.version}"` } },
    body: { notes: "with oat milk" },
  });
  if (edited.response.status !== status) throw new Error(String(edited.response.status));
}

const proof = await client.GET("/api/v1/accounts/{accountId}/reconcile", {
  params: { path: { accountId: account.id } },
});
if (must(proof.data, proof.error)?.difference.amount !== "0.00") throw new Error("drift");
console.log("typescript client: done");
