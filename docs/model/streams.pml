/* One call stream of a session: appends, holders, resumes, deaths, takeovers, and runs that outlive their claim.
 *
 * Each Redis script is an atomic step (S1 to S5). Everything else interleaves freely, so a pause of a minute needs no
 * code of its own: a process is simply not scheduled. A zombie is a run whose instance lives although its `up` key
 * expired (MAXSUSP).
 *
 * Every fault is counted (MAX...), and a heartbeat is enabled only where it would find something. So there are no
 * cycles, every execution ends, and "the client gets its final message" means "no end state has a waiting client".
 * Spin reports a violation as `invalid end state`.
 *
 * The searches of `npm run model`:
 *   finishes -DMAXDROP=0
 *   finishes -DMAXDROP=1 -DMAXKILL=0
 *   finishes -DMAXDROP=2 -DMAXKILL=0 -DMAXSUSP=0 -DMAXLOST=0
 *   finishes -DMAXDROP=0 -DMAXKILL=0 -DMAXSUSP=0 -DMAXLOST=0 -DK=3 -DPIPE: a command fails alone in a pipeline
 *   finishes -DMAXDROP=1 -DMAXKILL=0 -DMAXSUSP=0 -DBOTH -DDEDUPE: the client reads connections that it has replaced,
 *     and drops the numbers that it has
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DBOTH: the same client without dropping numbers
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DFENCE_IDS: the append is fenced by the entry id alone (XADD refuses ids <= top)
 *   fails -DOWNER_INST: the token of an owner is the instance, not the run
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DFINAL_KEEPS: the final append does not remove the owner in the same script
 *   fails -DMAXDROP=0 -DCAS_NAIVE: a claim that is repeated because its reply was lost is answered `lost`
 *   fails -DMAXDROP=1 -DMAXSUSP=0 -DMAXLOST=0 -DCLAIM_DROPPED: a claim ends with the connection that began it
 *   fails -DMAXDROP=0 -DMAXKILL=0 -DMAXSUSP=0 -DMAXLOST=0 -DK=3 -DPIPE -DNO_GAP_CHECK: the append accepts n > top+1
 *   fails -DOLD_STAYS: a replaced holder stops sending, and does not end its response
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DNO_HB: the heartbeat does not compare with the log
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DHOLDER_INST: the token of a holder is the instance, not the connection
 *   fails -DMAXDROP=1 -DMAXKILL=0 -DREPLY_OLDPOS: a log read is sent from the position at asking, not at answering
 */
#ifndef N
#define N 2            /* instances */
#endif
#ifndef K
#define K 2            /* messages of one run of the handler; the K-th is final */
#endif
#ifndef MAXDROP
#define MAXDROP 1      /* connections the client drops on its own */
#endif
#ifndef MAXKILL
#define MAXKILL 1      /* kill -9 */
#endif
#ifndef MAXSUSP
#define MAXSUSP 1      /* up key expires although the instance lives */
#endif
#ifndef MAXLOST
#define MAXLOST 1      /* replies of Redis that get lost (command executed, library repeats it) */
#endif
#ifndef MAXFAIL
#define MAXFAIL 1      /* PIPE: commands that fail alone inside a pipeline */
#endif
#define R    (3+MAXKILL+MAXSUSP)            /* claim tokens; two may be wasted on lost races */
#define C    (1+2*MAXDROP+MAXKILL)          /* connections */
#define LMAX ((MAXKILL+MAXSUSP+1)*(K-1)+K+1)
#define NONE 255
#ifdef CLAIM_DROPPED
#define SETTLED true
#else
#define SETTLED (obs == NONE)          /* no claim of this connection is under way */
#endif
#define OK 0
#define LOST 1
#define GAP 2

/* ---- Redis: one slot ---- */
byte top; byte author[LMAX+2]; bool fin[LMAX+2];   /* log: author = run token + 1, 0 = hole */
byte owner = 0;                                    /* c:<request>  run token, NONE = call is over */
byte holder = 0;                                   /* s:<stream>   connection token or NONE */
bool ended;                                        /* a final is in the log */
/* ---- Redis: other slots ---- */
bool up[N];                                        /* mcp:up:<instance> */
/* ---- the world ---- */
bool alive[N]; byte nalive = N;
byte rinst[R]; byte nextr = 1;                     /* where run r lives */
byte cinst[C]; byte nextc = 1;                     /* where connection c lives */
byte aband[C];                                     /* client left c: 1 instance will notice, 2 half open for ever */
bool eof[C];                                       /* instance ended response c */
bool closed[C];                                    /* connection object is gone in the instance */
chan inbox[C] = [LMAX] of { byte, byte };          /* local delivery or mailbox, by connection token: number, author */
chan sock[C]  = [LMAX] of { byte, byte };          /* bytes on the way to the client */
byte last, cur; bool done;                         /* the client */
byte drops, kills, susps, losts, fails;

#ifdef OWNER_INST
#define SAME(a,b) (rinst[a]==rinst[b])
#else
#define SAME(a,b) ((a)==(b))
#endif
#ifdef HOLDER_INST
#define HOLDS(c) (holder!=NONE && cinst[holder]==cinst[c])
#else
#define HOLDS(c) (holder==(c))
#endif
#ifdef BOTH
#define READS(c) true
#else
#define READS(c) (cur==(c))
#endif

/* S1 append(stream, run token r, number n, final?) -> res, current holder */
inline APPEND(r, n, f) {
  h = holder;
#ifdef FENCE_IDS
  if :: n <= top -> if :: author[n]!=0 && SAME(author[n]-1, r) -> res = OK :: else -> res = LOST fi
  :: else -> PUSH(r, n, f)
  fi
#else
  if
  :: n <= top && author[n]!=0 && SAME(author[n]-1, r) -> res = OK     /* repeat after a lost reply */
  :: n <= top && !(author[n]!=0 && SAME(author[n]-1, r)) -> res = LOST
  :: n > top && !(owner!=NONE && SAME(owner, r)) -> res = LOST        /* the fence */
#ifndef NO_GAP_CHECK
  :: n > top+1 && owner!=NONE && SAME(owner, r) -> res = GAP          /* send again from top+1 */
  :: n == top+1 && owner!=NONE && SAME(owner, r) -> PUSH(r, n, f)
#else
  :: n > top && owner!=NONE && SAME(owner, r) -> PUSH(r, n, f)
#endif
  fi
#endif
}
inline PUSH(r, n, f) {
  res = OK; top = n; author[n] = r+1; fin[n] = f;
  assert(!ended);                       /* never anything after the final message, never two finals */
  if :: f -> ended = true;
#ifndef FINAL_KEEPS
       owner = NONE                     /* in the same script */
#endif
  :: else fi
}

proctype Run(byte r; byte me; byte n; byte m) {   /* handler run r on instance me; m = K: only a final error */
  byte h, res; bool pf, go;
  do
  :: !alive[me] -> break
  :: atomic { alive[me] && m > K -> break }
#ifdef PIPE
  :: atomic { alive[me] && m < K && fails < MAXFAIL -> fails++; pf = (m+1==K); APPEND(r, n+1, pf); h = 0; res = 0; pf = 0 }
#endif
  :: atomic { alive[me] && m <= K -> pf = (m==K); APPEND(r, n, pf); pf = 0 }
     if
     :: atomic { alive[me] && losts < MAXLOST -> losts++; h = 0; res = 0 }     /* reply lost: the loop repeats it */
     :: atomic { alive[me] && res == OK ->                                     /* now, and only now, send */
          go = h != NONE;
          if :: go -> go = !closed[h] && alive[cinst[h]] :: else fi;
          if :: go -> if :: nfull(inbox[h]) -> inbox[h]!n,r+1 :: full(inbox[h]) -> skip fi :: !go -> skip fi; go = false;
          n++; m++; h = 0; res = 0 }
     :: atomic { alive[me] && res == LOST -> break }                           /* taken over: stop the handler */
     :: atomic { alive[me] && res == GAP -> h = 0; res = 0 }
     :: !alive[me] -> break
     fi
  od;
  atomic { n = 0; m = 0; h = 0; res = 0; pf = 0 }          /* (forget: fewer states) */
}

inline SENDTO(c, x, a) { if :: READS(c) -> sock[c]!x,a :: !(READS(c)) -> skip fi }

proctype Conn(byte c; byte me; byte pos) {        /* the response c on instance me, resumed after `pos` */
  byte n, a, e, p0, obs = NONE, tok = NONE;       /* e: end of a log read whose reply is on its way (0 none) */
  bool won;
  if
  :: c == 0                                       /* the POST response: holder since registration */
  :: atomic { c > 0 && alive[me] ->               /* S2 take(stream, connection token, after) */
       holder = c; p0 = pos; e = top }
  :: !alive[me] -> goto out
  fi;
end:
  do
  :: !alive[me] -> break
  /* a message by mailbox (or from a run on this instance) */
  :: atomic { alive[me] && nempty(inbox[c]) -> inbox[c]?n,a;
       if :: n == pos+1 -> SENDTO(c, n, a); pos = n      /* n <= pos: sent already. n > pos+1: a hole, the read below fills it */
       :: else fi; n = 0; a = 0 }
  /* reply of a log read */
  :: atomic { alive[me] && e > 0 ->
#ifdef REPLY_OLDPOS
       pos = p0;
#endif
       do :: pos < e -> pos++; SENDTO(c, pos, author[pos]) :: else -> break od; e = 0; p0 = 0 }
  /* S3 look(stream, connection token, after): the heartbeat, also run at once where a number is missing */
#ifndef NO_HB
  :: atomic { alive[me] && e == 0 && HOLDS(c) && pos < top -> p0 = pos; e = top }
#endif
#ifndef OLD_STAYS
  :: atomic { alive[me] && SETTLED && !HOLDS(c) && e == 0 -> eof[c] = true; break }       /* replaced: end the response */
#endif
  /* final sent: end the response */
  :: atomic { alive[me] && SETTLED && fin[pos] -> eof[c] = true; if :: HOLDS(c) -> holder = NONE :: else fi; break }
  /* S4 release(stream, connection token): the client is gone and the instance has noticed */
  :: atomic { alive[me] && SETTLED && aband[c] == 1 -> if :: HOLDS(c) -> assert(holder == c); holder = NONE :: else fi; break }
  /* owner's up key seen gone (another slot, so a separate step), only while holding */
  :: atomic { alive[me] && obs == NONE && HOLDS(c) && owner != NONE && rinst[owner] != me && !up[rinst[owner]] ->
       obs = owner; up[me] = true; tok = nextr; assert(nextr < R); rinst[tok] = me; nextr++ }
  /* S5 claim(request, expected token, new token) */
  :: atomic { alive[me] && obs != NONE && !won ->
       if
       :: owner == obs -> owner = tok;
            if :: losts < MAXLOST -> losts++               /* reply lost: this option is taken again */
            :: won = true fi
       :: owner != obs && owner == tok ->                  /* a repeated claim is ok */
#ifdef CAS_NAIVE
            obs = NONE
#else
            won = true
#endif
       :: owner != obs && owner != tok -> obs = NONE; if :: tok == nextr-1 -> nextr-- :: else fi; tok = NONE
       fi }
  :: atomic { alive[me] && won -> won = false; obs = NONE;  /* a rerun, or only a final error */
       if :: run Run(tok, me, top+1, 1) :: run Run(tok, me, top+1, K) fi; tok = NONE }
  od;
out:
  atomic { closed[c] = true;
    do :: nempty(inbox[c]) -> inbox[c]?n,a :: empty(inbox[c]) -> break od; n = 0; a = 0; e = 0; p0 = 0; pos = 0; obs = 0; tok = 0 }
}

inline RECONNECT(how) {      /* one atomic step; `how`: 1 the old instance sees the disconnect, 2 it never does */
  aband[cur] = how;
#ifndef BOTH
  do :: nempty(sock[cur]) -> sock[cur]?n,a :: empty(sock[cur]) -> break od; n = 0; a = 0;
#endif
  select_alive(i); assert(nextc < C); cinst[nextc] = i; cur = nextc; nextc++; run Conn(cur, i, last); i = 0
}
inline select_alive(x) { if :: alive[0] -> x = 0 :: N>1 && alive[1] -> x = 1 :: N>2 && alive[N-1] -> x = N-1 fi }

inline RECEIVE() {
#ifdef DEDUPE
  assert(n <= last+1);
  if :: n == last+1 -> last = n :: else fi;
#else
  assert(n == last+1); last = n;        /* in order, at most once, none skipped */
#endif
  assert(a != 0 && a == author[n]);     /* and it is the entry of the log; 0: a hole, a number nobody wrote */
  if :: fin[n] -> done = true :: else fi; n = 0; a = 0
}

proctype Client() {
  byte n, a, i;
  do
  :: atomic { !done && nempty(sock[cur]) -> sock[cur]?n,a; RECEIVE() }
#ifdef BOTH
  :: atomic { !done && cur > 0 && nempty(sock[cur-1]) -> sock[cur-1]?n,a; RECEIVE() }
#endif
  :: atomic { done -> break }
  :: atomic { !done && drops < MAXDROP -> drops++; if :: RECONNECT(1) :: RECONNECT(2) fi }
  :: atomic { !done && eof[cur] && empty(sock[cur]) -> RECONNECT(1) }
  :: atomic { !done && !alive[cinst[cur]] -> RECONNECT(1) }
  od
}

proctype World() {
  byte i;
end:
  do
  :: atomic { !done && kills < MAXKILL && nalive > 1 -> kills++; nalive--; select_alive(i); alive[i] = false; i = 0 }
  :: atomic { !alive[0] && up[0] -> up[0] = false }            /* the key of a dead instance runs out */
  :: atomic { !alive[1] && up[1] -> up[1] = false }
  :: atomic { !alive[N-1] && up[N-1] -> up[N-1] = false }
  :: atomic { !done && susps < MAXSUSP && owner != NONE && up[rinst[owner]] -> susps++; up[rinst[owner]] = false }
  :: atomic { alive[0] && !up[0] -> up[0] = true }             /* the timer of a living one refreshes it */
  :: atomic { alive[1] && !up[1] -> up[1] = true }
  :: atomic { alive[N-1] && !up[N-1] -> up[N-1] = true }
  od
}

init { atomic { byte i;
  for (i : 0 .. N-1) { alive[i] = true; up[i] = true }
  run World(); run Client(); run Conn(0, 0, 0); run Run(0, 0, 1, 1) } }
