// Whether this member has its place in the replica set: asked whenever it starts, until it has. While the first one is
// in no set it asks for one to be made: MongoDB refuses until it reaches every member, and if one has a set already.
const [, set, ordinal] = process.env.HOSTNAME.match(/^(.+)-(\d+)$/);
// As Kubernetes writes a pod's own name into its /etc/hosts. A member that starts has to know itself in the set that it
// had, or is out of it (REMOVED) until another tells it; names in DNS are not there yet, or lead to the pod before.
const domain = `${set}.${process.env.NAMESPACE}.svc.cluster.local`;

const state = db.hello();
if (ordinal === "0" && !state.setName) {
  const numbers = [...Array(Number(process.env.MEMBERS)).keys()];
  rs.initiate({
    _id: "rs0",
    members: numbers.map((n) => ({ _id: n, host: `${set}-${n}.${domain}:27017` })),
    settings: { electionTimeoutMillis: 4000 }, // 10 s by default, but functions give up after 8
  });
}
quit(state.isWritablePrimary || state.secondary ? 0 : 1);
