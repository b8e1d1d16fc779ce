(* GS-1: ITQ stops.  X holds the weighted keys as columns; a round takes the signs
   B of O X and then a rotation that maximises tr(Q^T B X^T), such as the orthogonal
   factor of a polar decomposition (GS-1 (b)), by a fixed rule. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch Cayley CriticalRotations.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Termination.
Variables (R : rcfType) (d N : nat) (X : 'M[R]_(d, N)) (procrustes : 'M[R]_d -> 'M[R]_d).
Hypothesis procrustes_orth : forall M, orthogonal (procrustes M).
Hypothesis procrustes_best : forall M O, orthogonal O ->
  \tr (O^T *m M) <= \tr ((procrustes M)^T *m M).
Implicit Types (O Q : 'M[R]_d) (B : 'M[R]_(d, N)).

Definition round O : 'M[R]_d := procrustes (sign_mx (O *m X) *m X^T).
Definition objective_at O : R := total_l1 (O *m X).

Lemma trace_step B Q : \tr (B^T *m (Q *m X)) = \tr (Q^T *m (B *m X^T)).
Proof. by rewrite -[LHS]mxtrace_tr !trmx_mul trmxK -mulmxA mxtrace_mulC mulmxA. Qed.

(* One round: the trace with the old signs lies between the two objectives. *)
Lemma round_between O : orthogonal O ->
  objective_at O <= \tr ((sign_mx (O *m X))^T *m (round O *m X)) <= objective_at (round O).
Proof.
move=> oO; rewrite {1}/objective_at total_l1_trace !trace_step procrustes_best //=.
by rewrite -trace_step; apply: trace_le_total; apply: sign_mx_norm.
Qed.

Variable O0 : 'M[R]_d.
Hypothesis start : orthogonal O0.
Definition itq t : 'M[R]_d := iter t round O0.

Lemma itq_orth t : orthogonal (itq t).
Proof. by case: t => [|t] //=; apply: procrustes_orth. Qed.

Lemma itq_mono s t : (s <= t)%N -> objective_at (itq s) <= objective_at (itq t).
Proof.
move=> /subnK <-; elim: (t - s)%N => [|n IH] //=; apply: le_trans IH _.
by have /andP[h1 h2] := round_between (itq_orth (n + s)); apply: le_trans h1 h2.
Qed.

(* Which signs are positive: one of 2^(d N) patterns, and the next rotation depends
   on nothing else. *)
Definition sign_pattern t : {ffun 'I_d * 'I_N -> bool} := [ffun p => 0 <= (itq t *m X) p.1 p.2].

Lemma same_pattern s t : sign_pattern s = sign_pattern t -> itq s.+1 = itq t.+1.
Proof.
move=> /ffunP e; rewrite /= /round; congr (procrustes (_ *m _)).
by apply/matrixP => i n; have := e (i, n); rewrite !ffunE !mxE /sgn1 => ->.
Qed.

(* GS-1. (d) After at most 2^(d N) rounds the objective stays what it is: only
   finitely many rounds are strict increases. *)
Theorem GS_1_d_finite_termination : exists2 T, (T <= 2 ^ (d * N))%N &
  forall t, (T <= t)%N -> objective_at (itq t) = objective_at (itq T).
Proof.
set P := (2 ^ (d * N))%N.
have [i [j [ij jP eij]]] : exists i j, [/\ (i < j)%N, (j <= P)%N & sign_pattern i = sign_pattern j].
  pose f (i : 'I_P.+1) := sign_pattern i.
  have : ~~ injectiveb f.
    apply/injectiveP => inj; have := leq_card f inj.
    by rewrite card_ord card_ffun card_bool card_prod !card_ord ltnn.
  case/injectivePn => i [j ne e].
  have [lt|lt|eq] := ltngtP i j.
  - by exists i, j; split; [exact: lt | rewrite -ltnS ltn_ord | exact: e].
  - by exists j, i; split; [exact: lt | rewrite -ltnS ltn_ord | exact/esym/e].
  by case/eqP: ne; apply: val_inj.
have step n : itq (n + i.+1) = itq (n + j.+1).
  by elim: n => [|n IH]; rewrite ?add0n ?addSn; [apply: same_pattern | rewrite /= IH].
pose p := (j - i)%N; have p0 : (0 < p)%N by rewrite subn_gt0.
have period n : itq (i.+1 + n * p) = itq i.+1.
  elim: n => [|n IH]; first by rewrite addn0.
  have -> : (i.+1 + n.+1 * p)%N = (n * p + j.+1)%N.
    have -> : j.+1 = (p + i.+1)%N by rewrite addnS subnK // ltnW.
    by rewrite mulSn addnC [(p + n * p)%N]addnC -addnA.
  by rewrite -step addnC IH.
exists i.+1 => [|t it]; first exact: leq_trans ij jP.
apply/eqP; rewrite eq_le (itq_mono it) andbT -(period t); apply: itq_mono.
by apply: leq_trans (leq_addl _ _); rewrite leq_pmulr.
Qed.

(* GS-1. (e) A rotation that a round does not improve is a fixed point in the sense
   of LH-4: the matrix of signs and rotated keys is symmetric and positive
   semidefinite there. *)
Theorem GS_1_e_stationary_where_it_stops O : orthogonal O ->
  objective_at (round O) = objective_at O ->
  let M := sign_mx (O *m X) *m (O *m X)^T in M^T = M /\ forall v, 0 <= dot v (M *m v).
Proof.
move=> oO stop; apply: LH_4_e_itq_fixed_point => Q oQ.
have oQO : orthogonal (Q *m O).
  by rewrite /orthogonal trmx_mul -mulmxA (mulmxA Q^T) oQ mul1mx.
rewrite (mulmxA Q O) trace_step; apply: le_trans (procrustes_best _ oQO) _.
rewrite -trace_step; have /andP[_ h] := round_between oO.
by apply: le_trans h _; rewrite stop.
Qed.

End Termination.
