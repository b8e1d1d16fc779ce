(* AD-4: the score error of 1-bit keys in terms of beta, in the worst case and for
   errors without preferred direction. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import mathcomp_extra.
From mathcomp.analysis Require Import reals sequences exp.
From Routegauge Require Import FieldTactics InnerProduct OneBit AttentionDistortion.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section BetaForm.
Variables (R : realType) (n d : nat).
Hypothesis n0 : (0 < n)%N.
Hypothesis d0 : (0 < d)%N.
Variables (q : 'cV[R]_d) (k : 'I_n -> 'cV[R]_d).
Add Field beta_field : (mc_field_theory R).

(* AD-4. (a) With the 1-bit code and its best scale the key error is
   |k| sqrt(1 - beta). *)
Theorem AD_4_a_key_error (x : 'cV[R]_d) :
  norm (onebit x - x) = norm x * Num.sqrt (1 - beta x).
Proof.
rewrite -normN opprB /norm onebit_residual // sqrtrM ?dot_ge0 //.
Qed.

(* AD-4. (b) Hence osc(delta) <= 2/sqrt d |q| max |k_i| sqrt(1 - beta_i)
   (any bound M of the product). *)
Theorem AD_4_b_osc_from_beta (M : R) :
  (forall i, norm (k i) * Num.sqrt (1 - beta (k i)) <= M) ->
  osc (delta q k (fun i => onebit (k i))) <= 2%:R * norm q * M / Num.sqrt d%:R.
Proof.
move=> h; apply: AD_3_d_osc_euclidean => // i.
by rewrite AD_4_a_key_error.
Qed.

(* AD-4. (c) If the error direction is isotropic relative to q, given as a finite
   law P over error vectors with mean 0 and second moment
   (|k|^2 (1 - beta)/d) I, the score error has mean 0 and variance
   (|q| |k| sqrt(1-beta) / d)^2: sqrt d less than the worst case, see (d). *)
Theorem AD_4_c_isotropic_score_error (Om : finType) (P : Om -> R)
    (e : Om -> 'cV[R]_d) (x : 'cV[R]_d) : beta x <= 1 ->
  (forall a, \sum_w P w * e w a 0 = 0) ->
  (forall a b, \sum_w P w * (e w a 0 * e w b 0) =
     (norm x ^+ 2 * (1 - beta x) / d%:R) *+ (a == b)) ->
  \sum_w P w * (dot q (e w) / Num.sqrt d%:R) = 0 /\
  \sum_w P w * (dot q (e w) / Num.sqrt d%:R) ^+ 2 =
    (norm q * norm x * Num.sqrt (1 - beta x) / d%:R) ^+ 2.
Proof.
move=> b1 mean second; split.
  under eq_bigr => w _ do rewrite mulrA /dot mulr_sumr.
  rewrite -mulr_suml exchange_big /= big1 ?mul0r // => a _.
  under eq_bigr => w _ do rewrite mulrCA.
  by rewrite -mulr_sumr mean mulr0.
have sq : \sum_w P w * dot q (e w) ^+ 2 = norm q ^+ 2 * (norm x ^+ 2 * (1 - beta x) / d%:R).
  transitivity (\sum_a \sum_b q a 0 * q b 0 * \sum_w P w * (e w a 0 * e w b 0)).
    under eq_bigr => w _ do rewrite expr2 {1}/dot mulr_suml mulr_sumr.
    rewrite exchange_big /=; apply: eq_bigr => a _.
    under eq_bigr => w _ do rewrite /dot !mulr_sumr.
    rewrite exchange_big /=; apply: eq_bigr => b _.
    by rewrite mulr_sumr; apply: eq_bigr => w _; mring R.
  rewrite norm_sqr /dot mulr_suml; apply: eq_bigr => a _.
  rewrite (bigD1 a) //= second eqxx mulr1n big1 ?addr0 // => b ba.
  by rewrite second eq_sym (negPf ba) mulr0n mulr0.
under eq_bigr => w _ do rewrite exprMn exprVn sqr_sqrtr ?ler0n // mulrA.
rewrite -mulr_suml sq.
have dn : d%:R <> 0 :> R by apply/eqP; rewrite pnatr_eq0 -lt0n.
have aux (a b s c D : R) : D <> 0 -> s ^+ 2 = 1 - c ->
    a ^+ 2 * (b ^+ 2 * (1 - c) / D) / D = (a * b * s / D) ^+ 2.
  by move=> Dn <-; mfield R.
by apply: aux => //; rewrite sqr_sqrtr // subr_ge0.
Qed.

(* AD-4. (d) The largest score error that a key error of that norm can make is
   sqrt d times this standard deviation, and a key error along q makes it. *)
Theorem AD_4_d_worst_score_error (x : 'cV[R]_d) : beta x <= 1 -> q != 0 ->
  let worst := Num.sqrt d%:R * (norm q * norm x * Num.sqrt (1 - beta x) / d%:R) in
  (forall e, norm e = norm x * Num.sqrt (1 - beta x) -> `|dot q e / Num.sqrt d%:R| <= worst) /\
  exists e, norm e = norm x * Num.sqrt (1 - beta x) /\ `|dot q e / Num.sqrt d%:R| = worst.
Proof.
move=> b1 q0 worst; have s0 : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
have sn : Num.sqrt d%:R <> 0 :> R by apply/eqP; rewrite gt_eqF.
have nq : 0 < norm q by rewrite norm_gt0.
set t := norm x * Num.sqrt (1 - beta x).
have t0 : 0 <= t by rewrite mulr_ge0 ?norm_ge0 ?sqrtr_ge0.
have wE : worst = norm q * t / Num.sqrt d%:R.
  rewrite /worst /t -[d%:R in X in _ * (_ / X)](sqr_sqrtr (ler0n R d)).
  move: (Num.sqrt d%:R) sn (norm q) (norm x) (Num.sqrt (1 - beta x)) => s sn0 a b c.
  by mfield R.
split=> [e he|].
  rewrite wE normrM normfV (gtr0_norm s0) ler_pmul2r ?invr_gt0 // -he.
  exact: cauchy_schwarz.
exists ((t / norm q) *: q); split.
  by rewrite normZ ger0_norm ?divr_ge0 ?norm_ge0 // divfK // gt_eqF.
rewrite wE dotZr -norm_sqr normrM normfV (gtr0_norm s0); congr (_ / _).
rewrite ger0_norm; last by rewrite mulr_ge0 ?divr_ge0 ?norm_ge0 ?sqr_ge0.
by rewrite expr2 mulrA divfK ?gt_eqF // mulrC.
Qed.

End BetaForm.
