(* LH-2 along geodesics: at the sign lattice beta has curvature -2, it neither is convex nor flattens. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors LocalHessian.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Curvature.
Variables (d : nat) (s v : 'cV[R]_d).
Hypotheses (d0 : (0 < d)%N) (s1 : pm1 s) (v1 : sqn v = 1) (orth : dot (lattice_point s) v = 0).

(* Beta along the geodesic that leaves the lattice point s/sqrt d towards v, by the angle. *)
Definition profile (x : R) : R := beta (geodesic s v (cos x) (sin x)).

Lemma entry_le1 i : `|v i 0| <= 1.
Proof.
rewrite -(@ler_sqr _ `|v i 0|) ?nnegrE // expr1n real_normK ?num_real // -v1 /sqn (bigD1 i) //=.
by rewrite ler_addl; apply: sumr_ge0 => j _; exact: sqr_ge0.
Qed.

Lemma profile_near_0 : locally (0%R : R) (fun x => profile x = Rmult (cos x) (cos x)).
Proof.
have M0 : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
have e0 : Rlt R0 (Rinv (Num.sqrt d%:R)) by apply: Rinv_0_lt_compat; exact/RltP.
pose g (x : R) : R := Rdiv (sin x) (cos x).
have g_near : locally (0%R : R) (fun x => ball (g R0) (mkposreal _ e0) (g x)).
  have : continuous g R0.
    apply: ex_derive_continuous; rewrite /g; auto_derive.
    by rewrite cos_0; exact: R1_neq_R0.
  by move/filterlim_locally; apply.
have c_near : locally (0%R : R) (fun x => ball (cos R0) (mkposreal _ Rlt_0_1) (cos x)).
  have : continuous cos R0 by apply: ex_derive_continuous; auto_derive.
  by move/filterlim_locally; apply.
apply: filter_imp (filter_and _ _ g_near c_near) => x [].
rewrite /ball /= /AbsRing_ball /= /abs /minus /plus /opp /= cos_0.
have -> : g R0 = R0 by rewrite /g sin_0 /Rdiv Rmult_0_l.
rewrite Ropp_0 Rplus_0_r => gx cx.
have cpos : Rlt R0 (cos x) by move: cx => /Rabs_def2 [] ? ?; lra.
have cn : cos x != 0 by rewrite gt_eqF //; exact/RltP.
have sc : cos x ^+ 2 + sin x ^+ 2 = 1.
  by have := sin2_cos2 x; rewrite /Rsqr RplusE !RmultE addrC !expr2.
have small i : `|sin x / cos x| * Num.sqrt d%:R * `|v i 0| < 1.
  apply: (@le_lt_trans _ _ (`|sin x / cos x| * Num.sqrt d%:R)).
    by rewrite ler_pimulr ?entry_le1 // mulr_ge0 // ltW.
  have gE : sin x / cos x = g x by rewrite /g RdivE.
  have mE : (Num.sqrt d%:R)^-1 = Rinv (Num.sqrt d%:R) :> R by rewrite RinvE // gt_eqF.
  by rewrite -ltr_pdivl_mulr // mul1r gE mE; exact/RltP.
have [_ bE _] := LH_1_geodesic_profile d0 s1 v1 orth sc cn small.
by rewrite /profile bE expr2.
Qed.

(* LH-2. Along every geodesic from a lattice point beta has, near the point, the second derivative *)
(* -2 cos(2 angle) = -2 (2 beta - 1).                                                              *)
Theorem LH_2_a_curvature_near_the_lattice :
  locally (0%R : R) (fun x => is_derive_n profile 2 x (Ropp (Rmult 2 (Rminus (Rmult 2 (profile x)) 1)))).
Proof.
have near := locally_locally _ _ profile_near_0.
apply: filter_imp (filter_and _ _ profile_near_0 near) => x [fx fnear].
apply: (is_derive_n_ext_loc (fun y => Rmult (cos y) (cos y))).
  by apply: filter_imp fnear => y ->.
have first y : Derive (fun y => Rmult (cos y) (cos y)) y = Ropp (Rmult 2 (Rmult (cos y) (sin y))).
  by apply: is_derive_unique; auto_derive => //; ring.
rewrite fx /=; apply: (is_derive_ext (fun y => Ropp (Rmult 2 (Rmult (cos y) (sin y))))) => [y|].
  by rewrite first.
auto_derive => //; have := sin2_cos2 x; rewrite /Rsqr => sc.
nra.
Qed.

(* LH-2. At the lattice point itself the curvature is -2: the Hessian of beta is not non-negative there. *)
Theorem LH_2_b_curvature_at_the_lattice : is_derive_n profile 2 R0 (Ropp 2) /\ Rlt (Ropp 2) R0.
Proof.
split; last by lra.
have := locally_singleton _ _ LH_2_a_curvature_near_the_lattice.
have -> : profile R0 = IZR 1 by rewrite (locally_singleton _ _ profile_near_0) cos_0; lra.
by have -> : Ropp (Rmult 2 (Rminus (Rmult 2 1) 1)) = Ropp 2 by lra.
Qed.

Lemma is_lim_near_0 (f h : R -> R) (l : R) :
  locally (0%R : R) (fun x => f x = h x) -> ex_derive h R0 -> h R0 = l -> is_lim f R0 l.
Proof.
move=> fh dh <-; apply: (is_lim_ext_loc h).
  by rewrite /= /locally' /within; apply: filter_imp fh => x -> _.
by apply: is_lim_continuity; apply/continuity_pt_filterlim; exact: ex_derive_continuous.
Qed.

(* LH-2. Nor does the curvature vanish as beta tends to 1: it tends to -2. *)
Theorem LH_2_c_curvature_does_not_vanish :
  is_lim profile R0 (IZR 1) /\ is_lim (Derive_n profile 2) R0 (Ropp 2).
Proof.
split.
  apply: (is_lim_near_0 profile_near_0); first by auto_derive.
  by rewrite cos_0; lra.
apply: (is_lim_near_0 (h := fun x => Ropp (Rmult 2 (Rminus (Rmult 2 (Rmult (cos x) (cos x))) 1)))).
- apply: filter_imp (filter_and _ _ profile_near_0 LH_2_a_curvature_near_the_lattice) => x [fx df].
  by rewrite (is_derive_n_unique _ _ _ _ df) fx.
- by auto_derive.
by rewrite cos_0; lra.
Qed.
End Curvature.

(* The hypotheses of this file have instances: in the plane, (1,1)/sqrt 2 and (1,-1)/sqrt 2. *)
Lemma geodesic_instance : exists s v : 'cV[R]_2,
  [/\ pm1 s, sqn v = 1 & dot (lattice_point s) v = 0].
Proof.
pose r : R := (Num.sqrt 2%:R)^-1.
have rr : r ^+ 2 = 2%:R^-1 by rewrite /r exprVn sqr_sqrtr ?ler0n.
exists (const_mx 1), (\col_i (if i == 0 then r else - r)); split=> [i||].
- by left; rewrite mxE.
- rewrite /sqn !big_ord_recl big_ord0 addr0 !mxE /= sqrrN rr -mulr2n -[_ *+ 2]mulr_natl.
  by rewrite divff // pnatr_eq0.
by rewrite dotE !big_ord_recl big_ord0 addr0 !mxE /= mulrN subrr.
Qed.
