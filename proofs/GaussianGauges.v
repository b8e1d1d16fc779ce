(* IF-5: for keys whose rotated coordinates all have one law up to scale, such as
   Gaussian keys of mean zero, the pooled ratio depends on the rotation through the
   variances of the coordinates only.  The law enters through a = E|Z| for a
   coordinate Z of variance 1; a^2 = 2/pi for the Gaussian one. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors IsotropicFloor.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Gauges.
Variables (R : rcfType) (d : nat).
Hypothesis d0 : (0 < d)%N.
Implicit Types (Q U H S : 'M[R]_d) (lam : 'rV[R]_d).

(* The variances of the coordinates of Q k when k has covariance S. *)
Definition variances S Q (j : 'I_d) : R := (Q *m S *m Q^T) j j.

(* The squared mean over coordinates of E|(Q k)_j| = a sqrt(s_j), over their mean
   square. *)
Definition pooled (a : R) (s : 'I_d -> R) : R :=
  ((\sum_j a * Num.sqrt (s j)) / d%:R) ^+ 2 / ((\sum_j s j) / d%:R).

Lemma dn : d%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.

(* A rotation moves the variances about but keeps their sum. *)
Lemma variances_sum S Q : orthogonal Q -> \sum_j variances S Q j = \tr S.
Proof. by move=> oQ; rewrite -/(\tr _) mxtrace_mulC mulmxA oQ mul1mx. Qed.

Lemma pooled_split a (s : 'I_d -> R) : (forall j, 0 <= s j) -> 0 < \sum_j s j ->
  pooled a s = a ^+ 2 * ((\sum_j Num.sqrt (s j)) ^+ 2 / (d%:R * \sum_j s j)).
Proof.
move=> s0 tot; rewrite /pooled -mulr_sumr; move: (\sum_j Num.sqrt _) => x.
have := dn; have := lt0r_neq0 tot; move: (\sum_j s j) (d%:R) => y z y0 z0.
by field; rewrite y0 z0.
Qed.

(* IF-5. (a) For a positive semidefinite covariance S and every rotation Q, the
   pooled ratio is a^2 times the squared mean of sqrt(s_j) over tr S / d; it is at
   most a^2, with equality exactly if all variances agree. *)
Theorem IF_5_a_ceiling (a : R) S Q : 0 < a -> orthogonal Q ->
  (forall v : 'cV[R]_d, 0 <= dot v (S *m v)) -> 0 < \tr S ->
  let s := variances S Q in
  [/\ pooled a s = a ^+ 2 * (((\sum_j Num.sqrt (s j)) / d%:R) ^+ 2 / (\tr S / d%:R)),
      pooled a s <= a ^+ 2 &
      pooled a s = a ^+ 2 <-> forall i j, s i = s j].
Proof.
move=> a0 oQ psd tS s.
have s0 j : 0 <= s j.
  have := psd (row j Q)^T; rewrite /dot trmxK mulmxA -row_mul => h.
  have -> : s j = (row j (Q *m S) *m (row j Q)^T) 0 0; last exact: h.
  by rewrite /s /variances !mxE; apply: eq_bigr => l _; rewrite !mxE.
have tot : \sum_j s j = \tr S by apply: variances_sum.
have tot0 : 0 < \sum_j s j by rewrite tot.
have a2 : 0 < a ^+ 2 by rewrite exprn_gt0.
have den : 0 < d%:R * \sum_j s j by rewrite mulr_gt0 ?ltr0n.
have sqs j : Num.sqrt (s j) ^+ 2 = s j by rewrite sqr_sqrtr.
have le_sum : (\sum_j Num.sqrt (s j)) ^+ 2 <= d%:R * \sum_j s j.
  by have := sqr_sum_le (fun j => Num.sqrt (s j)); rewrite card_ord (eq_bigr _ (fun j _ => sqs j)).
have eq_iff : (\sum_j Num.sqrt (s j)) ^+ 2 = d%:R * (\sum_j s j) <-> forall i j, s i = s j.
  have := sqr_sum_eq (fun j => Num.sqrt (s j)); rewrite card_ord (eq_bigr _ (fun j _ => sqs j)).
  move=> ->; split=> h i j; last by rewrite (h i j).
  by rewrite -(sqs i) -(sqs j) (h i j).
split.
- rewrite (pooled_split a s0 tot0) -tot; congr (_ * _).
  have := dn; have := lt0r_neq0 tot0; move: (\sum_j Num.sqrt _) (\sum_j s j) (d%:R) => x y z y0 z0.
  by field; rewrite y0 z0.
- by rewrite (pooled_split a s0 tot0) ler_pimulr ?(ltW a2) // ler_pdivr_mulr // mul1r.
rewrite (pooled_split a s0 tot0) -eq_iff; split=> [|->]; last by rewrite divff ?mulr1 ?gt_eqF.
rewrite -[RHS]mulr1 => /(mulfI (lt0r_neq0 a2)) /(canRL (mulfVK (lt0r_neq0 den))).
by rewrite mul1r.
Qed.

(* IF-5. (b) The eigenbasis followed by a Hadamard matrix reaches the ceiling: all
   variances are tr S / d. *)
Theorem IF_5_b_hadamard_reaches_it (a : R) S U H lam : 0 < a ->
  orthogonal U -> hadamard H -> S = U *m diag_mx lam *m U^T -> (forall j, 0 <= lam 0 j) ->
  0 < \tr S ->
  (forall j, variances S (H *m U^T) j = \tr S / d%:R) /\ pooled a (variances S (H *m U^T)) = a ^+ 2.
Proof.
move=> a0 oU [oH H2] SE lam0 tS; have oQ : orthogonal (H *m U^T).
  by rewrite /orthogonal trmx_mul trmxK -mulmxA (mulmxA H^T) oH mul1mx orth_tr.
have QE : H *m U^T *m S *m (H *m U^T)^T = H *m diag_mx lam *m H^T.
  rewrite SE trmx_mul trmxK !mulmxA -(mulmxA H) oU mulmx1.
  by rewrite -(mulmxA (H *m diag_mx lam)) oU mulmx1.
have trE : \tr S = \sum_j lam 0 j.
  by rewrite SE mxtrace_mulC mulmxA oU mul1mx mxtrace_diag.
have vE j : variances S (H *m U^T) j = \tr S / d%:R.
  rewrite /variances QE mxE trE mulr_suml; apply: eq_bigr => l _.
  by rewrite mul_mx_diag !mxE -(H2 j l) expr2 mulrAC [in RHS]mulrC.
split=> //; have psd (v : 'cV[R]_d) : 0 <= dot v (S *m v).
  pose x := U^T *m v; have -> : dot v (S *m v) = dot x (diag_mx lam *m x).
    by rewrite /dot /x SE trmx_mul trmxK !mulmxA.
  rewrite dotE (eq_bigr (fun l => lam 0 l * x l 0 ^+ 2)) => [|l _]; last first.
    by rewrite mul_diag_mx [X in _ * X]mxE mulrCA -expr2.
  by apply: sumr_ge0 => l _; rewrite mulr_ge0 ?sqr_ge0.
have [_ _ [_ eqP_]] := IF_5_a_ceiling a0 oQ psd tS; apply: eqP_ => i j.
by rewrite !vE.
Qed.

(* Jensen for the square root. *)
Lemma sqrt_concave (I : finType) (p x : I -> R) : (forall i, 0 <= p i) -> \sum_i p i = 1 ->
  (forall i, 0 <= x i) -> \sum_i p i * Num.sqrt (x i) <= Num.sqrt (\sum_i p i * x i).
Proof.
move=> p0 p1 x0; have m0 : 0 <= \sum_i p i * Num.sqrt (x i).
  by apply: sumr_ge0 => i _; rewrite mulr_ge0 ?sqrtr_ge0.
rewrite -[X in X <= _]ger0_norm // -sqrtr_sqr; apply: ler_wsqrtr.
have -> : \sum_i p i * x i = \sum_i p i * Num.sqrt (x i) ^+ 2.
  by apply: eq_bigr => i _; rewrite sqr_sqrtr.
rewrite -subr_ge0 -weighted_variance //.
by apply: sumr_ge0 => i _; rewrite mulr_ge0 ?sqr_ge0.
Qed.

(* IF-5. (c) The eigenbasis itself is the worst gauge: over all rotations the ratio
   is least at Q = U^T, where the variances are the eigenvalues.  The squares of an
   orthogonal matrix are doubly stochastic; no majorisation is needed beyond that. *)
Theorem IF_5_c_eigenbasis_is_worst (a : R) S U Q lam : 0 < a ->
  orthogonal U -> orthogonal Q -> S = U *m diag_mx lam *m U^T -> (forall j, 0 <= lam 0 j) ->
  0 < \tr S ->
  (forall j, variances S U^T j = lam 0 j) /\
  pooled a (variances S U^T) <= pooled a (variances S Q).
Proof.
move=> a0 oU oQ SE lam0 tS.
have vU j : variances S U^T j = lam 0 j.
  rewrite /variances SE trmxK !mulmxA oU mul1mx -mulmxA oU mulmx1.
  by rewrite mxE eqxx mulr1n.
split=> //; pose W := Q *m U; have oW : orthogonal W.
  by rewrite /orthogonal trmx_mul -mulmxA (mulmxA Q^T) oQ mul1mx.
have sE j : variances S Q j = \sum_l W j l ^+ 2 * lam 0 l.
  have -> : variances S Q j = (W *m diag_mx lam *m W^T) j j.
    by rewrite /variances SE /W trmx_mul !mulmxA.
  by clearbody W; rewrite mxE; apply: eq_bigr => l _; rewrite mul_mx_diag !mxE expr2 mulrAC.
clearbody W; have rows j : \sum_l W j l ^+ 2 = 1.
  have := congr1 (fun X : 'M_d => X j j) (orth_tr oW); rewrite !mxE eqxx mulr1n => <-.
  by apply: eq_bigr => l _; rewrite mxE expr2.
have cols l : \sum_j W j l ^+ 2 = 1.
  have := congr1 (fun X : 'M_d => X l l) oW; rewrite !mxE eqxx mulr1n => <-.
  by apply: eq_bigr => j _; rewrite mxE expr2.
have s0 j : 0 <= variances S Q j.
  by rewrite sE; apply: sumr_ge0 => l _; rewrite mulr_ge0 ?sqr_ge0.
have u0 j : 0 <= variances S U^T j by rewrite vU.
have tQ : \sum_j variances S Q j = \tr S by apply: variances_sum.
have tU : \sum_j variances S U^T j = \tr S by apply: variances_sum; apply: orth_trmx.
have roots : \sum_l Num.sqrt (lam 0 l) <= \sum_j Num.sqrt (variances S Q j).
  apply: (@le_trans _ _ (\sum_j \sum_l W j l ^+ 2 * Num.sqrt (lam 0 l))).
    rewrite exchange_big; apply: ler_sum => l _ /=.
    by rewrite -mulr_suml cols mul1r.
  apply: ler_sum => j _; rewrite sE; apply: sqrt_concave => // l.
  exact: sqr_ge0.
rewrite !pooled_split ?tQ ?tU // ler_pmul2l ?exprn_gt0 //.
rewrite ler_pmul2r ?invr_gt0 ?mulr_gt0 ?ltr0n // (eq_bigr _ (fun j _ => congr1 Num.sqrt (vU j))).
rewrite ler_pexpn2r // ?nnegrE; by [|apply: sumr_ge0 => j _; apply: sqrtr_ge0].
Qed.

End Gauges.
