(* GS-3 for the mean cosine: a random rotation is nearly best, given the first absolute moment on   *)
(* the sphere (a fact of Missing.v).                                                                *)
From Coq Require Import Reals Lra.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors SphereLaws RandomDirections Missing Deferred Wallis.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma PI_gt0 : 0 < PI :> R.
Proof. exact/RltP/PI_RGT_0. Qed.

(* The recursion of the first moments is that of the integrals of powers of the sine. *)
Lemma abs_momentsE n :
  abs_moments n = (2 / PI * sine_integral n, 2 / PI * sine_integral n.+1).
Proof.
have pn : PI != 0 :> R := lt0r_neq0 PI_gt0; have two : 2 != 0 :> R by rewrite pnatr_eq0.
have half : Rdiv PI (IZR 2) = PI / 2 by rewrite RdivE.
elim: n => [|n IH] /=.
  by rewrite sine_integral_0 sine_integral_1 half mulr1; congr (_, _); field; rewrite pn.
rewrite IH; congr (_, _).
have := sine_integral_SS n; rewrite !INRE !plusE addn1 addn2 !RmultE => e.
have n2 : n.+2%:R != 0 :> R by rewrite pnatr_eq0.
by rewrite mulrCA; congr (_ * _); rewrite mulrAC -e mulrAC mulfV // mul1r.
Qed.

Lemma first_moment_lower d : (0 < d)%N -> 2 / PI <= d%:R * sphere_abs_moment d ^+ 2.
Proof.
move=> d0; have p := PI_gt0; have pn := lt0r_neq0 p; have two : 2 != 0 :> R by rewrite pnatr_eq0.
rewrite /sphere_abs_moment abs_momentsE /=.
have := sine_integral_sqr d.-1; rewrite INRE plusE addn1 prednK // => /RleP.
rewrite !RmultE (_ : Rdiv PI (IZR 2) = PI / 2); last by rewrite RdivE.
move: (sine_integral _) => w h.
have -> : d%:R * (2 / PI * w) ^+ 2 = (2 / PI) ^+ 2 * (d%:R * (w * w)) by field; rewrite pn.
have e : 2 / PI = (2 / PI) ^+ 2 * (PI / 2) by field; rewrite pn.
rewrite [X in X <= _]e; by apply: ler_wpmul2l => //; exact: sqr_ge0.
Qed.

Lemma mean_cosine_lower d (E : ('cV[R]_d -> R) -> R) : (0 < d)%N -> uniform_on_sphere E ->
  sphere_first_moment_statement -> Num.sqrt (2 / PI) <= E (@cosine _ d).
Proof.
move=> d0 UE first; rewrite (MR_5_b_mean_cosine d0 UE first); have LE := UE.1.
have h0 : 0 <= sphere_abs_moment d.
  rewrite -(first d E (Ordinal d0) UE); apply: (law_ge LE) => [|u _]; first exact/lip_abs/lip_entry.
  exact: normr_ge0.
have p0 : 0 <= 2 / PI by rewrite divr_ge0 ?ler0n // ltW // PI_gt0.
rewrite -(@ler_sqr _ (Num.sqrt _)) ?nnegrE ?mulr_ge0 ?sqrtr_ge0 // exprMn sqr_sqrtr // sqr_sqrt_dim.
exact: first_moment_lower.
Qed.

(* GS-3, for the mean cosine. Averaged over Haar's rotations the mean cosine of any keys is at least   *)
(* sqrt(2/pi) = 0.798 of the mean cosine that any rotation, learned or not, can reach.                  *)
Theorem GS_3_b_mean_cosine d N G (k : 'I_N -> 'cV[R]_d) (Best : 'M[R]_d) :
  sphere_first_moment_statement -> (0 < d)%N -> haar G -> (forall n, k n != 0) -> orthogonal Best ->
  Num.sqrt (2 / PI) * ((\sum_n cosine (Best *m k n)) / N%:R) <=
  G (fun A => (\sum_n cosine (A *m k n)) / N%:R).
Proof.
move=> first d0 hG k0 _; pose u n := (l2 (k n))^-1 *: k n.
have cu n (A : 'M[R]_d) : cosine (A *m u n) = cosine (A *m k n).
  by rewrite /u -scalemxAr cosineZ // invr_eq0 l2_eq0.
have lk n : mlip (fun A => cosine (A *m k n)).
  by apply: lip_ext (lip_act (unit_sphere (k0 n)) (@lip_cosine d)) => A _; exact: cu.
have low n : Num.sqrt (2 / PI) <= G (fun A => cosine (A *m k n)).
  rewrite (law_ext hG.1 (g := fun A => cosine (A *m u n))) => [||A _].
  - exact: (mean_cosine_lower d0 (haar_image hG (unit_sphere (k0 n))) first).
  - exact: lk.
  by rewrite cu.
have e : G (fun A => (\sum_n cosine (A *m k n)) / N%:R) = (\sum_n G (fun A => cosine (A *m k n))) / N%:R.
  transitivity (G (fun A => N%:R^-1 * \sum_n cosine (A *m k n))).
    apply: (law_ext hG.1) => [|A _]; rewrite 1?mulrC //.
    by apply: lip_ext (lip_scale _ (lip_sum _ _ lk)) => A _; rewrite mulrC.
  rewrite (law_scale hG.1); last exact: lip_sum.
  by rewrite (law_sum hG.1) // mulrC.
apply: (@le_trans _ _ ((\sum_n G (fun A => cosine (A *m k n))) / N%:R)); last by rewrite -e; exact: lexx.
rewrite mulrA ler_wpmul2r ?invr_ge0 ?ler0n // mulr_sumr; apply: ler_sum => n _.
by apply: le_trans (low n); rewrite ler_pimulr ?sqrtr_ge0 // cosine_le1.
Qed.
