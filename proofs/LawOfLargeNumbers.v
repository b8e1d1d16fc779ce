(* MR-2: the 1-bit cosine of a long vector with independent coordinates. The limit of the cosine    *)
(* follows from the limits of two running means; that these have limits is the law of large numbers, *)
(* a fact of Missing.v.                                                                              *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.classical Require Import boolp classical_sets functions.
From mathcomp.analysis Require Import reals ereal topology normedtype sequences realfun measure.
From mathcomp.analysis Require Import lebesgue_measure lebesgue_integral.
From Routegauge Require Import Vectors Missing.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory numFieldTopology.Exports numFieldNormedType.Exports.
Local Open Scope ring_scope.
Local Open Scope classical_set_scope.

Section Core.
Variable R : realType.

Lemma tendsP (u : nat -> R) l : tends u l <-> u @ \oo --> l.
Proof.
split=> [h|/cvg_distP h e e0].
  apply/cvg_distP => e e0; have [N hN] := h e e0; exists N => // n /= Nn.
  by rewrite distrC hN.
have [N _ hN] := h e e0; exists N => n Nn; rewrite distrC; exact: hN.
Qed.

(* MR-2, its deterministic core: if a_d tends to mu1 and b_d to mu2 > 0, then a_d / sqrt b_d tends to *)
(* mu1 / sqrt mu2, the square root of the moment ratio.                                               *)
Theorem MR_2_a_deterministic_core (a b : nat -> R) mu1 mu2 : tends a mu1 -> tends b mu2 -> 0 < mu2 ->
  tends (fun n => a n / Num.sqrt (b n)) (mu1 / Num.sqrt mu2).
Proof.
move=> /tendsP ha /tendsP hb m0; apply/tendsP; apply: cvgM => //; apply: cvgV.
  by rewrite gt_eqF // sqrtr_gt0.
by apply: (@cvg_comp _ _ _ b (@Num.sqrt R) _ _ _ hb); exact: sqrt_continuous.
Qed.

(* The cosine is such a quotient: of the mean modulus and the root of the mean square. *)
Lemma cosine_means (x : nat -> R) n :
  cosine (\col_(i < n) x i) = (\sum_(i < n) `|x i|) / n%:R / Num.sqrt ((\sum_(i < n) x i ^+ 2) / n%:R).
Proof.
rewrite /cosine /l2 /l1 /sqn (eq_bigr (fun i : 'I_n => `|x i|)) => [|i _]; last by rewrite mxE.
rewrite [in Num.sqrt (\sum_i _)](eq_bigr (fun i : 'I_n => x i ^+ 2)) => [|i _]; last by rewrite mxE.
have s0 : 0 <= \sum_(i < n) x i ^+ 2 by apply: sumr_ge0 => i _; exact: sqr_ge0.
case: n s0 => [|n] s0; first by rewrite !big_ord0 !mul0r.
have key (r t : R) : r != 0 -> r^-1 * t = (r ^+ 2)^-1 * (t * r) by move=> r0; field.
have r0 : Num.sqrt n.+1%:R != 0 :> R by rewrite gt_eqF // sqrtr_gt0 ltr0n.
rewrite -mulrA; congr (_ * _); rewrite sqrtrM // sqrtrV ?ler0n // !invfM invrK (key _ _ r0).
by rewrite sqr_sqrtr ?ler0n.
Qed.
End Core.

Lemma ae_and (R : realType) disp (T : measurableType disp) (P : {measure set T -> \bar R}) (A B C : T -> Prop) :
  (forall t, A t -> B t -> C t) -> {ae P, forall t, A t} -> {ae P, forall t, B t} -> {ae P, forall t, C t}.
Proof.
move=> abc [N [mN N0 sN]] [M [mM M0 sM]]; exists (N `|` M); split; first exact: measurableU.
  apply/eqP; rewrite eq_le measure_ge0 andbT measureUfinl ?N0 ?M0 //.
  by rewrite adde0 add0e oppe_le0 measure_ge0.
move=> t /= nC; have [At|nA] := pselect (A t); last by left; exact: sN.
by right; apply: sM => /= Bt; apply: nC; exact: abc.
Qed.

Section LargeNumbers.
Variables (R : realType) (disp : measure_display) (T : measurableType disp).
Variables (P : {measure set T -> \bar R}) (X : nat -> T -> R).

(* A measurable function of the variables keeps their independence and their common law. *)
Lemma iid_compose (g : R -> R) : measurable_fun [set: R] g -> iid_pairwise P X ->
  iid_pairwise P (fun i t => g (X i t)).
Proof.
move=> mg [P1 mX indep same].
have pre A : measurable A -> measurable (g @^-1` A) by move=> mA; rewrite -[_ @^-1` _]setTI; exact: mg.
split=> // [i|i j ij A B mA mB|i A mA].
- by apply: (@measurable_fun_comp _ _ _ _ _ _ g [set: T] (X i)) => //; exact: mX.
- by apply: (indep i j ij (g @^-1` A) (g @^-1` B)); exact: pre.
by apply: (same i (g @^-1` A)); exact: pre.
Qed.

Lemma has_mean_abs (Y : T -> R) : P [set: T] = 1%E -> measurable_fun [set: T] Y ->
  has_mean P (fun t => Y t ^+ 2) -> has_mean P (fun t => `|Y t|).
Proof.
move=> P1 mY m2; have one : P.-integrable [set: T] (cst 1%:E).
  split; first exact: measurable_fun_cst.
  rewrite (eq_integral (cst 1%:E)) => [|t _]; last by rewrite /= normr1.
  by rewrite integral_cst // P1 mule1 ltry.
apply: (le_integrable measurableT _ _ (integrableD measurableT one m2)) => [|t _].
  by apply/EFin_measurable_fun; exact: measurable_fun_comp (@measurable_fun_normr R [set: R]) mY.
change (`|(`|Y t|)%:E| <= `|(1 + Y t ^+ 2)%:E|)%E.
rewrite /= lee_fin normr_id ger0_norm; last by rewrite addr_ge0 ?sqr_ge0 ?ler01.
rewrite -[Y t ^+ 2]real_normK ?num_real //; move: (`|Y t|) => y.
rewrite -subr_ge0 (_ : 1 + y ^+ 2 - y = (y - 2^-1) ^+ 2 + (3 / 4)); last by field.
by rewrite addr_ge0 ?sqr_ge0 // divr_ge0 ?ler0n.
Qed.

(* MR-2. Pairwise independent, identically distributed coordinates with 0 < E X^2 < infinity: the     *)
(* 1-bit cosine of the first n of them tends to E|X| / sqrt(E X^2) almost surely. No symmetry is       *)
(* needed. (The limits of the means of the cosine and of 1 - c^2, which bounded convergence adds, are   *)
(* left out.)                                                                                           *)
Theorem MR_2_b_law_of_large_numbers : slln_statement -> iid_pairwise P X ->
  has_mean P (fun t => X 0%N t ^+ 2) ->
  0 < expectation P (fun t => X 0%N t ^+ 2) ->
  {ae P, forall t, tends (fun n => cosine (\col_(i < n) X i t))
    (expectation P (fun t => `|X 0%N t|) / Num.sqrt (expectation P (fun t => X 0%N t ^+ 2)))}.
Proof.
move=> slln iid m2 pos; have [P1 mX _ _] := iid; have m1 := has_mean_abs P1 (mX 0%N) m2.
have abs_iid := iid_compose (@measurable_fun_normr R [set: R]) iid.
have sqr_iid : iid_pairwise P (fun i t => X i t ^+ 2).
  apply: (@iid_compose (fun x => x ^+ 2)) => //; apply: measurable_fun_sqr; exact: measurable_fun_id.
have ae1 := slln _ _ _ _ _ abs_iid m1; have ae2 := slln _ _ _ _ _ sqr_iid m2.
apply: (ae_and _ ae1 ae2) => t h1 h2.
have h := MR_2_a_deterministic_core h1 h2 pos.
move=> e e0; have [N hN] := h e e0; exists N => n Nn.
by rewrite (cosine_means (fun i => X i t)); exact: hN.
Qed.
End LargeNumbers.
