(* Family MR: the moment ratio of a law, beta = (E|X|)^2 / E X^2. Laws here have finite support:  *)
(* weights p on a finite type, values x. "Almost surely" is "wherever the weight is positive".     *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section FiniteLaws.
Variables (R : realFieldType) (T : finType).

Definition law (p : T -> R) := (forall t, 0 <= p t) /\ \sum_t p t = 1.
Definition mean (p x : T -> R) : R := \sum_t p t * x t.
Definition mu1 (p x : T -> R) : R := mean p (fun t => `|x t|).
Definition mu2 (p x : T -> R) : R := mean p (fun t => x t ^+ 2).
Definition moment_ratio (p x : T -> R) : R := mu1 p x ^+ 2 / mu2 p x.

Lemma mu2_abs p x : mu2 p x = mean p (fun t => `|x t| ^+ 2).
Proof. by apply: eq_bigr => t _; rewrite real_normK ?num_real. Qed.

Lemma mu1_ge0 p x : law p -> 0 <= mu1 p x.
Proof. by move=> [p0 _]; apply: sumr_ge0 => t _; rewrite mulr_ge0. Qed.

Lemma mu1_gt0 p x : law p -> 0 < mu2 p x -> 0 < mu1 p x.
Proof.
move=> [p0 p1] /lt0r_neq0 m2; rewrite lt0r (mu1_ge0 _ (conj p0 p1)) andbT; move: m2.
apply: contraNneq => /eqP; rewrite psumr_eq0 => [/allP px|t _]; last by rewrite mulr_ge0.
apply/eqP; apply: big1 => t _; have := px t (mem_index_enum t).
by rewrite /= mulf_eq0 normr_eq0 => /orP [] /eqP->; rewrite ?mul0r ?expr0n ?mulr0.
Qed.

(* MR-1. The moment ratio of a law that is not concentrated at zero lies in (0, 1]. *)
Theorem MR_1_a_ratio_at_most_one p x : law p -> 0 < mu2 p x -> 0 < moment_ratio p x <= 1.
Proof.
move=> lp x0; rewrite divr_gt0 ?exprn_gt0 ?mu1_gt0 //= ler_pdivr_mulr // mul1r.
rewrite -subr_ge0 mu2_abs /mu1 /mean -weighted_variance; last by case: lp.
by apply: sumr_ge0 => t _; rewrite mulr_ge0 ?sqr_ge0; case: lp.
Qed.

(* MR-1. It is 1 exactly when |X| is constant wherever the law has weight. *)
Theorem MR_1_b_one_iff_constant_modulus p x : law p -> 0 < mu2 p x ->
  moment_ratio p x = 1 <-> exists a, forall t, 0 < p t -> `|x t| = a.
Proof.
move=> [p0 p1] x0; have x1 := lt0r_neq0 x0.
have var : mu2 p x - mu1 p x ^+ 2 = \sum_t p t * (`|x t| - mu1 p x) ^+ 2.
  by rewrite mu2_abs /mu1 /mean weighted_variance.
split=> [eq1|[a xa]].
  have v0 : \sum_t p t * (`|x t| - mu1 p x) ^+ 2 = 0.
    by rewrite -var -(divfK x1 (mu1 p x ^+ 2)) -/(moment_ratio p x) eq1 mul1r subrr.
  exists (mu1 p x) => t pt; apply/eqP; rewrite -subr_eq0 -sqrf_eq0.
  move/eqP: v0; rewrite psumr_eq0 => [/allP/(_ t (mem_index_enum t))|u _]; last first.
    by rewrite mulr_ge0 ?sqr_ge0.
  by rewrite /= mulf_eq0 gt_eqF.
have pa t : p t * `|x t| = p t * a.
  have [/xa->//|pt] := ltrP 0 (p t).
  by have -> : p t = 0 by [apply/eqP; rewrite eq_le pt p0]; rewrite !mul0r.
have m1 : mu1 p x = a by rewrite /mu1 /mean (eq_bigr _ (fun t _ => pa t)) -mulr_suml p1 mul1r.
have m2 : mu2 p x = a ^+ 2.
  rewrite mu2_abs /mean (eq_bigr (fun t => p t * a ^+ 2)) => [|t _].
    by rewrite -mulr_suml p1 mul1r.
  by rewrite !expr2 !mulrA pa mulrAC pa mulrAC.
by rewrite /moment_ratio m1 -m2 divff.
Qed.

(* MR-1. Scaling does not change it. *)
Theorem MR_1_c_scale_invariance p x a : a != 0 ->
  moment_ratio p (fun t => a * x t) = moment_ratio p x.
Proof.
move=> a0; rewrite /moment_ratio.
have -> : mu1 p (fun t => a * x t) = `|a| * mu1 p x.
  by rewrite /mu1 /mean mulr_sumr; apply: eq_bigr => t _; rewrite normrM mulrCA.
have -> : mu2 p (fun t => a * x t) = a ^+ 2 * mu2 p x.
  by rewrite /mu2 /mean mulr_sumr; apply: eq_bigr => t _; rewrite exprMn mulrCA.
by rewrite exprMn real_normK ?num_real // -mulf_div divff ?mul1r // sqrf_eq0.
Qed.
End FiniteLaws.

Section Channels.
Variables (R : realFieldType) (T : finType) (d : nat).

(* The pooled ratio of d channels: the squared mean of E|X_i| over the mean of E X_i^2. *)
Definition pooled_ratio (p : T -> R) (X : 'I_d -> T -> R) : R :=
  ((\sum_i mu1 p (X i)) / d%:R) ^+ 2 / ((\sum_i mu2 p (X i)) / d%:R).

(* MR-6. Channels that are multiples sigma_i of variables with common first two absolute moments *)
(* (identically distributed ones, say) have the common ratio times a Cauchy-Schwarz factor, and  *)
(* so at most the common ratio; equal exactly when all sigma_i agree.                            *)
Theorem MR_6_unequal_channel_variances p (sigma : 'I_d -> R) (Y : 'I_d -> T -> R) m1 m2 :
  law p -> (forall i, 0 <= sigma i) -> (exists i, sigma i != 0) ->
  (forall i, mu1 p (Y i) = m1) -> (forall i, mu2 p (Y i) = m2) -> 0 < m2 ->
  let pool := pooled_ratio p (fun i t => sigma i * Y i t) in
  [/\ pool = m1 ^+ 2 / m2 *
        (((\sum_i sigma i) / d%:R) ^+ 2 / ((\sum_i sigma i ^+ 2) / d%:R)),
      pool <= m1 ^+ 2 / m2 &
      pool = m1 ^+ 2 / m2 <-> forall i j, sigma i = sigma j].
Proof.
move=> lp s0 [i0 si0] Y1 Y2 m20 pool; have m2n := lt0r_neq0 m20.
have d0 : 0 < d%:R :> R by rewrite ltr0n; case: i0 {si0} => i; apply: leq_ltn_trans.
have dn := lt0r_neq0 d0.
have ss0 : 0 < \sum_i sigma i ^+ 2.
  rewrite lt0r sumr_ge0 ?andbT => [|i _]; last exact: sqr_ge0.
  by apply: contraNneq si0 => /sumr_sqr_eq0 ->.
have ssn := lt0r_neq0 ss0.
have m1n : 0 < m1 by rewrite -(Y1 i0) mu1_gt0 // Y2.
pose f := ((\sum_i sigma i) / d%:R) ^+ 2 / ((\sum_i sigma i ^+ 2) / d%:R).
have poolE : pool = m1 ^+ 2 / m2 * f.
  rewrite /pool /pooled_ratio.
  have -> : \sum_i mu1 p (fun t => sigma i * Y i t) = (\sum_i sigma i) * m1.
    rewrite mulr_suml; apply: eq_bigr => i _; rewrite -(Y1 i) /mu1 /mean mulr_sumr.
    by apply: eq_bigr => t _; rewrite normrM ger0_norm // mulrCA.
  have -> : \sum_i mu2 p (fun t => sigma i * Y i t) = (\sum_i sigma i ^+ 2) * m2.
    rewrite mulr_suml; apply: eq_bigr => i _; rewrite -(Y2 i) /mu2 /mean mulr_sumr.
    by apply: eq_bigr => t _; rewrite exprMn mulrCA.
  by rewrite /f; field; rewrite dn m2n ssn.
have fE : f = (\sum_i sigma i) ^+ 2 / (d%:R * \sum_i sigma i ^+ 2).
  by rewrite /f; field; rewrite dn ssn.
have den : 0 < d%:R * \sum_i sigma i ^+ 2 by rewrite mulr_gt0.
have b0 : 0 < m1 ^+ 2 / m2 by rewrite divr_gt0 ?exprn_gt0.
have := sqr_sum_le sigma; have := sqr_sum_eq sigma; rewrite card_ord => eq_iff le_sum.
split=> //; rewrite poolE -/f.
  by rewrite ler_pimulr ?(ltW b0) // fE ler_pdivr_mulr // mul1r.
split=> [|/eq_iff eq_sum]; last by rewrite fE eq_sum divff ?mulr1 // lt0r_neq0.
rewrite -[RHS]mulr1 => /(mulfI (lt0r_neq0 b0)); rewrite fE => /(canRL (mulfVK (lt0r_neq0 den))) eq_sum.
by apply/eq_iff; rewrite eq_sum mul1r.
Qed.

End Channels.
