(* GS-2, query-aware: the error that matters is weighted by the second moments of
   the queries, and then the signs of the rotated key are no longer the best code. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit.
From mathcomp.algebra_tactics Require Import ring.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section QueryAware.
Variables (R : rcfType) (d : nat).
Implicit Types (k e s : 'cV[R]_d) (S O : 'M[R]_d).
Add Field query_field : (mc_field_theory R).

(* The quadratic form of S. *)
Definition quad S e : R := dot e (S *m e).

Lemma quadE S e : quad S e = \sum_i \sum_j S i j * (e i 0 * e j 0).
Proof.
apply: eq_bigr => i _; rewrite mxE mulr_sumr; apply: eq_bigr => j _.
by rewrite mulrCA.
Qed.

(* GS-2. (d) For queries of a finite law with second moments S the mean squared
   score error of a key error e is e^T S e, and |L e|^2 if S = L^T L: the key's
   error measured after the square root of S. *)
Theorem GS_2_d_query_weighted_error (W : finType) (p : W -> R) (q : W -> 'cV[R]_d) S e :
  (forall i j, \sum_w p w * (q w i 0 * q w j 0) = S i j) ->
  \sum_w p w * dot (q w) e ^+ 2 = quad S e /\
  forall L : 'M[R]_d, S = L^T *m L -> quad S e = dot (L *m e) (L *m e).
Proof.
move=> hS; split=> [|L ->]; last by rewrite /quad dot_mulmxl mulmxA.
rewrite quadE; under [RHS]eq_bigr => i _ do under eq_bigr => j _ do rewrite -hS mulr_suml.
transitivity (\sum_w \sum_i \sum_j p w * (q w i 0 * q w j 0) * (e i 0 * e j 0)).
  apply: eq_bigr => w _; rewrite expr2 {1}/dot mulr_suml mulr_sumr.
  apply: eq_bigr => i _; rewrite /dot !mulr_sumr; apply: eq_bigr => j _.
  by rewrite -[RHS]mulrA mulrACA.
rewrite exchange_big; apply: eq_bigr => i _; exact: exchange_big.
Qed.

(* GS-2. (e) For a sign pattern s the best scale is s^T S k / s^T S s, and the
   error left is k^T S k - (s^T S k)^2 / s^T S s. *)
Theorem GS_2_e_query_aware_scale S k s (a : R) : S^T = S -> 0 < quad S s ->
  let a0 := dot s (S *m k) / quad S s in
  quad S (k - a0 *: s) = quad S k - dot s (S *m k) ^+ 2 / quad S s /\
  quad S (k - a0 *: s) <= quad S (k - a *: s).
Proof.
move=> sym pos a0; have n0 := lt0r_neq0 pos.
have sw : dot k (S *m s) = dot s (S *m k) by rewrite dotC dot_mulmxl sym.
have E b : quad S (k - b *: s) = quad S k - 2%:R * b * dot s (S *m k) + b ^+ 2 * quad S s.
  rewrite /quad mulmxBr -scalemxAr !(dotBl, dotBr, dotZl, dotZr) sw.
  have aux (x y z c : R) : x - c * y - (c * y - c * (c * z)) = x - 2%:R * c * y + c ^+ 2 * z.
    by mring R.
  exact: aux.
rewrite !E /a0; move: (dot s _) (quad S s) pos n0 (quad S k) => x y pos n0 z; split.
  by mfield R; apply/eqP.
rewrite -subr_ge0 (_ : _ - _ = (a * y - x) ^+ 2 / y); last by mfield R; apply/eqP.
by rewrite divr_ge0 ?sqr_ge0 // ltW.
Qed.

End QueryAware.

Section Counterexample.
Variable R : rcfType.
Add Field counter_field : (mc_field_theory R).

Lemma sum2 (F : 'I_2 -> R) : \sum_i F i = F 0 + F 1.
Proof. by rewrite big_ord_recl big_ord1; congr (_ + F _); apply: val_inj. Qed.

(* GS-2. (f) Why the sign step is no longer exact: for correlated queries the
   signs of the key need not be its best code.  S = (2 -1; -1 2) is positive
   definite, the key (10, 1) has signs (1, 1), yet the pattern (1, -1) leaves a
   smaller error, each at its best scale. *)
Theorem GS_2_f_signs_not_optimal :
  let S : 'M[R]_2 := \matrix_(i, j) (if i == j then 2%:R else -1) in
  let k : 'cV[R]_2 := \col_i (if i == 0 then 10%:R else 1) in
  let t : 'cV[R]_2 := \col_i (if i == 0 then 1 else -1) in
  [/\ S^T = S, forall e, e != 0 -> 0 < quad S e,
      (\col_i sgn1 (k i 0)) = const_mx 1 &
      forall a, quad S (k - (dot t (S *m k) / quad S t) *: t) < quad S (k - a *: const_mx 1)].
Proof.
move=> S k t.
have SE e : quad S e = 2%:R * (e 0 0 ^+ 2 - e 0 0 * e 1 0 + e 1 0 ^+ 2).
  by rewrite quadE !sum2 !mxE /=; mring R.
have sym : S^T = S by apply/matrixP => i j; rewrite !mxE eq_sym.
have pos e : e != 0 -> 0 < quad S e.
  move=> e0; rewrite SE; move: e0; rewrite -dot_gt0 {1}/dot sum2 -!expr2.
  move: (e 0 0) (e 1 0) => x y h.
  have -> : 2%:R * (x ^+ 2 - x * y + y ^+ 2) = (x ^+ 2 + y ^+ 2) + (x - y) ^+ 2 by mring R.
  by rewrite ltr_paddr ?sqr_ge0.
have sgk : (\col_i sgn1 (k i 0)) = const_mx 1 :> 'cV[R]_2.
  by apply/colP => i; rewrite !mxE /sgn1; case: (i == 0); rewrite ?ler0n ?ler01.
split=> // a.
have tn : t != 0 by apply/eqP => /colP/(_ 0); rewrite !mxE /= => /eqP; rewrite oner_eq0.
have on : (const_mx 1 : 'cV[R]_2) != 0.
  by apply/eqP => /colP/(_ 0); rewrite !mxE => /eqP; rewrite oner_eq0.
have [-> _] := @GS_2_e_query_aware_scale _ _ S k t a sym (pos _ tn).
apply: lt_le_trans (GS_2_e_query_aware_scale k a sym (pos _ on)).2.
have [-> _] := @GS_2_e_query_aware_scale _ _ S k (const_mx 1) a sym (pos _ on).
have qt : quad S t = 6%:R by rewrite SE !mxE /=; mring R.
have qo : quad S (const_mx 1) = 2%:R by rewrite SE !mxE; mring R.
have dt : dot t (S *m k) = 27%:R by rewrite /dot !sum2 !mxE !sum2 !mxE /=; mring R.
have do1 : dot (const_mx 1) (S *m k) = 11%:R by rewrite /dot !sum2 !mxE !sum2 !mxE /=; mring R.
rewrite ltr_add2l ltr_opp2 qt qo dt do1 -subr_gt0 [X in 0 < X](_ : _ = 61%:R) ?ltr0n //.
by field.
Qed.

End Counterexample.
