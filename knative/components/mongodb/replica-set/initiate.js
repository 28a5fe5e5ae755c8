// Whether this member has its place in the replica set: asked whenever it starts, until it has. While the first one is
// in no set it asks for one to be made: MongoDB refuses until it reaches every member, and if one has a set already.
const [, set, ordinal] = process.env.HOSTNAME.match(/^(.+)-(\d+)$/);
const state = db.hello();
if (ordinal === "0" && !state.setName) {
  const numbers = [...Array(Number(process.env.MEMBERS)).keys()];
  rs.initiate({
    _id: "rs0",
    members: numbers.map((n) => ({ _id: n, host: `${set}-${n}.${set}:27017` })),
    settings: { electionTimeoutMillis: 4000 }, // 10 s by default, but functions give up after 8
  });
}
quit(state.isWritablePrimary || state.secondary ? 0 : 1);
