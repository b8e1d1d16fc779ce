(* MR-4: how the fourth moment moves the moment ratio, to first order exactly.                     *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Routegauge Require Import Gaussian.
Local Open Scope R_scope.

(* The Gram-Charlier density over the normal one, with third and fourth cumulants k3 and k4. *)
Definition gram_charlier (k3 k4 x : R) : R :=
  1 + k3 / 6 * (x ^ 3 - 3 * x) + k4 / 24 * (x ^ 4 - 6 * x ^ 2 + 3).
(* A primitive of x times it times the bell curve. *)
Definition gc_primitive (k3 k4 x : R) : R :=
  - ((1 + k3 / 6 * x ^ 3 + k4 / 24 * (x ^ 4 - 2 * x ^ 2 - 1)) * bell x).

Lemma is_derive_gc (k3 k4 x : R) :
  is_derive (gc_primitive k3 k4) x (x * gram_charlier k3 k4 x * bell x).
Proof.
unfold gc_primitive, gram_charlier, bell; auto_derive; [easy|].
unfold Rdiv; simpl; set (e := exp _); field.
Qed.

Lemma continuous_gc (k3 k4 x : R) : continuous (fun x => x * gram_charlier k3 k4 x * bell x) x.
Proof.
apply (ex_derive_continuous (fun x => x * gram_charlier k3 k4 x * bell x)).
unfold gram_charlier, bell; auto_derive; easy.
Qed.

Lemma bell_le_sixth x : 0 < x -> x ^ 6 * bell x <= 216.
Proof.
intro x0; set (y := x ^ 2 / 2); assert (y0 : 0 < y) by (unfold y; nra).
assert (h : y / 3 < exp (y / 3)) by (generalize (exp_ineq1_le (y / 3)); lra).
assert (e : exp y = exp (y / 3) * exp (y / 3) * exp (y / 3)) by (rewrite <- !exp_plus; f_equal; field).
assert (c : y / 3 * (y / 3) * (y / 3) <= exp y).
  rewrite e; apply Rmult_le_compat; [nra|lra|apply Rmult_le_compat; lra|lra].
unfold bell; fold y; rewrite exp_Ropp; assert (p := exp_pos y).
apply (Rmult_le_reg_r (exp y)); [easy|].
replace (x ^ 6 * / exp y * exp y) with (x ^ 6) by (field; lra).
replace (x ^ 6) with (216 * (y / 3 * (y / 3) * (y / 3))) by (unfold y; field).
lra.
Qed.

Lemma lim_gc k3 k4 : is_lim (gc_primitive k3 k4) p_infty 0.
Proof.
pose (B := 1 + Rabs (k3 / 6) + Rabs (k4 / 24) * 4).
assert (B0 : 0 <= B) by (unfold B; generalize (Rabs_pos (k3 / 6)) (Rabs_pos (k4 / 24)); lra).
assert (lim : is_lim (fun x => B * 108 * (2 * / x)) p_infty 0).
  assert (e : B * 108 * 0 = 0) by ring; refine (eq_ind _ (fun l : R => is_lim _ p_infty l) _ _ e).
  apply (is_lim_scal_l (fun x => 2 * / x) (B * 108) p_infty 0), lim_inv2.
apply (is_lim_le_le_loc (fun x => - (B * 108 * (2 * / x))) (fun x => B * 108 * (2 * / x))); [| |exact lim].
2: assert (e : - 0 = 0) by ring; refine (eq_ind _ (fun l : R => is_lim _ p_infty l) _ _ e).
2: apply (is_lim_opp (fun x => B * 108 * (2 * / x)) p_infty 0), lim.
exists 1; intros x x1; apply Rabs_le_between.
assert (b := bell_gt0 x); assert (h := bell_le_sixth x ltac:(lra)).
unfold gc_primitive; rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (bell x)) by lra.
assert (x2 : 1 <= x ^ 2) by nra; assert (x3 : 0 <= x ^ 3) by (apply pow_le; lra).
assert (x4 : x ^ 2 <= x ^ 4) by nra; assert (x34 : x ^ 3 <= x ^ 4) by nra.
assert (q : Rabs (1 + k3 / 6 * x ^ 3 + k4 / 24 * (x ^ 4 - 2 * x ^ 2 - 1)) <= B * x ^ 4).
  eapply Rle_trans; [apply Rabs_triang|]; eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|].
  rewrite !Rabs_mult, (Rabs_pos_eq 1), (Rabs_pos_eq (x ^ 3)) by lra.
  assert (r : Rabs (x ^ 4 - 2 * x ^ 2 - 1) <= 4 * x ^ 4) by (apply Rabs_le; lra).
  assert (h1 := Rabs_pos (k3 / 6)); assert (h2 := Rabs_pos (k4 / 24)); unfold B.
  assert (Rabs (k3 / 6) * x ^ 3 <= Rabs (k3 / 6) * x ^ 4) by (apply Rmult_le_compat_l; lra).
  assert (Rabs (k4 / 24) * Rabs (x ^ 4 - 2 * x ^ 2 - 1) <= Rabs (k4 / 24) * (4 * x ^ 4))
    by (apply Rmult_le_compat_l; lra).
  lra.
apply Rle_trans with (B * x ^ 4 * bell x); [apply Rmult_le_compat_r; lra|].
rewrite !Rmult_assoc; apply Rmult_le_compat_l; [easy|].
apply (Rmult_le_reg_r (x ^ 2)); [lra|].
replace (x ^ 4 * bell x * x ^ 2) with (x ^ 6 * bell x) by ring.
replace (108 * (2 * / x) * x ^ 2) with (216 * x) by (field; lra).
lra.
Qed.

(* MR-4. For a law with the Gram-Charlier density the mean of |X| is sqrt(2/pi) (1 - k4/24) exactly: a *)
(* negative excess kurtosis k4 raises it, a positive one lowers it, and k3 does not enter. With unit     *)
(* variance its square is the moment ratio, 2/pi (1 - k4/24)^2.                                          *)
Theorem MR_4_a_mean_modulus k3 k4 :
  normal_mean (fun x => Rabs x * gram_charlier k3 k4 x) (sqrt (2 / PI) * (1 - k4 / 24)).
Proof.
pose (F := gc_primitive k3 k4).
assert (limm : is_lim F m_infty 0).
  apply lim_minus_infinity, (is_lim_ext (gc_primitive (- k3) k4)); [|apply lim_gc].
  intro x; unfold F, gc_primitive; rewrite bell_opp; field.
assert (left : is_RInt_gen (fun x => Rabs x * gram_charlier k3 k4 x * bell x) (Rbar_locally m_infty) (at_point 0)
                 (- 1 * (F 0 - 0))).
  apply (is_RInt_gen_ext (fun x => scal (- 1) (x * gram_charlier k3 k4 x * bell x))).
    exists (fun x => x < 0) (fun x => x = 0); [now exists 0|reflexivity|].
    intros x y x0 -> t [_ t1]; simpl in t1; rewrite Rmax_right in t1 by lra.
    rewrite Rabs_left by lra.
    change (- 1 * (t * gram_charlier k3 k4 t * bell t) = - t * gram_charlier k3 k4 t * bell t); ring.
  apply (is_RInt_gen_scal (fun x => x * gram_charlier k3 k4 x * bell x)).
  apply (is_RInt_gen_primitive _ _ _ _ _ F).
  - apply is_derive_gc.
  - apply continuous_gc.
  - exact limm.
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
assert (right : is_RInt_gen (fun x => Rabs x * gram_charlier k3 k4 x * bell x) (at_point 0) (Rbar_locally p_infty)
                 (0 - F 0)).
  apply (is_RInt_gen_ext (fun x => x * gram_charlier k3 k4 x * bell x)).
    exists (fun x => x = 0) (fun x => 0 < x); [reflexivity|now exists 0|].
    intros x y -> y0 t [t1 _]; simpl in t1; rewrite Rmin_left in t1 by lra.
    now rewrite Rabs_pos_eq by lra.
  apply (is_RInt_gen_primitive _ _ _ _ _ F).
  - apply is_derive_gc.
  - apply continuous_gc.
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
  - apply lim_gc.
refine (normal_mean_eq _ _ _ _ (normal_mean_bell _ _ (is_RInt_gen_Chasles _ _ _ _ left right)) (fun _ => eq_refl) _).
assert (p := PI_RGT_0); assert (s0 : 0 < sqrt (PI / 2)) by (apply sqrt_lt_R0; lra).
rewrite sqrt_2_PI, <- sqrt_half_PI; unfold plus, F, gc_primitive; simpl.
replace (bell 0) with 1 by (unfold bell; replace (- (0 ^ 2 / 2)) with 0 by field; now rewrite exp_0).
field; lra.
Qed.
